"""The metadata database of an Airflow cluster (1.10, 2.x, 3.x)."""
