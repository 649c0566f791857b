"""Contracts of the daily roll-ups that are archived before their runs expire (`retention.py`).

    marts.agg_<name>  ->  landing.rollups__<name>
"""

from ingest.contracts import Table

ROLLUPS = "rollups"
# Roll-up -> its day.
DATES: dict[str, str] = {"daily_platform_usage": "usage_date", "daily_limit_waits": "wait_date"}
ROLLUP_TABLES: dict[str, Table] = {t.name: t for t in (
    Table("daily_platform_usage", ("usage_date",), {
        "usage_date": "instant", "active_user_count": "int", "dag_run_count": "int",
        "task_instance_count": "int", "ui_api_request_count": "int"}, "derived"),
    Table("daily_limit_waits", ("limit_kind", "limit_name", "dag_id", "wait_date"), {
        "limit_kind": "text", "limit_name": "text", "dag_id": "text", "wait_date": "instant",
        "wait_seconds": "float", "instance_count": "int", "run_count": "int"}, "derived"),
    Table("boundary", (), {"expired_before": "instant"}, "derived"),
)}
