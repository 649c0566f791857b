"""Writes a synthetic company as Airflow, its workers and its hosts would have.

    company + days + instant  ->  metadata database    databases.py (SQLite, PostgreSQL)
                              ->  archive batches      archive.py   (old days, through the door)
                              ->  task log files       logs.py
                              ->  resource samples     usage.py

Everything is source data: it enters Windsock through its usual door, and no answer is in it.
"""
