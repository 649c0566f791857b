"""Windsock: the profiler, debugger and search engine for Apache Airflow, as a data project."""
