"""Rows of the marts that lists read: import errors, limits, slowdowns, use of the platform.

    full_lists()     ->  full() and: one file broken, one fixed; pool etl full every night;
                         DAGs slower by each part; a month of use
    hostile_lists()  ->  hostile() and the same with ugly names everywhere
"""

from datetime import timedelta
from typing import Any

from tests.views.snapshots import AS_OF, full, hostile, hostile_names

TODAY = AS_OF.replace(hour=0, minute=0)
TRACE = ('Traceback (most recent call last):\n  File "/opt/airflow/dags/team_a/orders.py", line 3, '
         "in <module>\n    import snowflake\nModuleNotFoundError: No module named 'snowflake'")


def import_error(file_name: str = "team_a/orders.py", **changes: Any) -> dict[str, Any]:
    """An error that keeps a file from loading."""
    return {"cluster": "prod-eu", "file_path": f"/opt/airflow/dags/{file_name}",
            "relative_file_path": file_name, "error_key": f"key of {file_name}",
            "dag_ids": ["orders"], "dag_count": 1, "owner": "ann", "team": "sales",
            "error_class": "ModuleNotFoundError", "message": "No module named 'snowflake'",
            "stack_trace": TRACE, "first_seen_at": AS_OF - timedelta(hours=3),
            "last_seen_at": AS_OF - timedelta(minutes=1), "fixed_at": None} | changes


def limit(name: str = "etl", kind: str = "pool", **changes: Any) -> dict[str, Any]:
    """A row of dim_limits."""
    return {"cluster": "prod-eu", "limit_kind": kind, "limit_name": name, "size_count": 4,
            "is_known": True, "is_in_force": True, "is_counted_by_run": False,
            "has_deferred_tasks": False} | changes


def waited(dag_id: str, seconds: float, days_ago: int = 0, **changes: Any) -> dict[str, Any]:
    """What a limit cost a DAG on a day."""
    return {"cluster": "prod-eu", "limit_kind": "pool", "limit_name": "etl", "dag_id": dag_id,
            "wait_date": (AS_OF - timedelta(days=days_ago)).date(), "wait_seconds": seconds,
            "instance_count": 3, "run_count": 2} | changes


def full_period(days_ago: int = 0, hours: float = 2, **changes: Any) -> dict[str, Any]:
    """A stretch, from 02:00 on, in which a limit was full."""
    begin = TODAY - timedelta(days=days_ago) + timedelta(hours=2)
    return {"cluster": "prod-eu", "limit_kind": "pool", "limit_name": "etl", "limit_run_id": "",
            "full_date": begin.date(), "need_count": 1, "began_at": begin,
            "ended_at": begin + timedelta(hours=hours), "size_count": 4,
            "full_seconds": hours * 3600} | changes


def waiting_step(dag_id: str, run_id: str, seconds: float, **changes: Any) -> dict[str, Any]:
    """A step of a path that waited for pool etl, from four hours ago on."""
    ready = AS_OF - timedelta(hours=4)
    return {"cluster": "prod-eu", "dag_id": dag_id, "run_id": run_id, "path_kind": "finish",
            "step_number": 1, "task_id": "load", "map_index": -1, "pool": "etl",
            "limited_by": "pool:etl", "waits_basis": "recorded", "structure_basis": "recorded",
            "ready_at": ready, "queued_at": ready + timedelta(seconds=seconds),
            "started_at": ready + timedelta(seconds=seconds + 5),
            "ended_at": ready + timedelta(seconds=seconds + 60),
            "limit_wait_seconds": seconds, "handoff_seconds": seconds + 5} | changes


def holding_try(dag_id: str, task_id: str, minutes: float, slots: int = 1,
                **changes: Any) -> dict[str, Any]:
    """A try that held slots of pool etl, from four hours ago on."""
    begin = AS_OF - timedelta(hours=4)
    return {"cluster": "prod-eu", "dag_id": dag_id, "run_id": "scheduled__1", "task_id": task_id,
            "map_index": -1, "try_number": 1, "state": "success", "pool": "etl",
            "pool_slot_count": slots, "queued_at": begin, "started_at": begin,
            "ended_at": begin + timedelta(minutes=minutes)} | changes


def slowdown(dag_id: str, kind: str, before: float, recent: float,
             **changes: Any) -> dict[str, Any]:
    """A row of agg_dag_slowdowns; the part of its kind grew by all of it."""
    slower = recent - before
    parts = {f"{part}_slower_seconds": slower if part == kind else 0.0
             for part in ("own", "waiting", "external")}
    return {"cluster": "prod-eu", "dag_id": dag_id, "slower_kind": kind, "recent_run_count": 7,
            "before_run_count": 28, "recent_median_seconds": recent,
            "before_median_seconds": before, "slower_seconds": slower,
            "slower_ratio": slower / before, "mean_slower_seconds": sum(parts.values()),
            "is_slower": kind not in ("not_slower", "inherited"), "is_later": kind == "inherited",
            "recent_until_at": AS_OF, "recent_from_at": AS_OF - timedelta(days=7),
            "before_from_at": AS_OF - timedelta(days=35)} | parts | changes


def used(days_ago: int, **changes: Any) -> dict[str, Any]:
    """A day of use."""
    return {"cluster": "prod-eu", "usage_date": (AS_OF - timedelta(days=days_ago)).date(),
            "active_user_count": 3, "dag_run_count": 40, "task_instance_count": 1200,
            "ui_api_request_count": 90} | changes


def component(kind: str = "scheduler", state: str = "alive", **changes: Any) -> dict[str, Any]:
    """A part of Airflow that leaves heartbeats."""
    return {"cluster": "prod-eu", "component_kind": kind, "state": state,
            "latest_heartbeat_at": AS_OF - timedelta(seconds=4), "silent_seconds": 4.0,
            "alive_count": 1 if state == "alive" else 0, "host_count": 1} | changes


def full_lists() -> dict[str, list[dict[str, Any]]]:
    """One of each thing that lists tell."""
    return full() | {
        "fct_import_errors": [
            import_error(),
            import_error("stage.py", cluster="staging", dag_ids=[], owner=None, team=None,
                         error_class="SyntaxError", message="invalid syntax",
                         first_seen_at=AS_OF - timedelta(days=2)),
            import_error("old.py", fixed_at=AS_OF - timedelta(hours=9), dag_ids=["ads_daily"],
                         first_seen_at=AS_OF - timedelta(days=3),
                         last_seen_at=AS_OF - timedelta(hours=9))],
        "dim_limits": [
            limit(size_since_at=AS_OF - timedelta(days=2)), limit("idle", size_count=128),
            limit("lost", size_count=None, is_known=False, is_in_force=False),
            limit("orders", "max_active_tasks", size_count=16, is_counted_by_run=True)],
        "agg_daily_limit_waits": [
            *(waited(dag_id, seconds, day) for day in (0, 1, 20)
              for dag_id, seconds in (("orders", 1500.0), ("ads_daily", 300.0))),
            waited("orders", 60.0, limit_kind="max_active_tasks", limit_name="orders")],
        "fct_limit_full_periods": [
            full_period(), full_period(need_count=2, hours=3), full_period(1, size_count=2),
            full_period(20),
            full_period(limit_kind="max_active_tasks", limit_name="orders", limit_run_id="r1")],
        "fct_critical_path_steps": [
            waiting_step("orders", "manual__1", 1500.0),
            waiting_step("ads_daily", "scheduled__2", 300.0),
            waiting_step("ads_daily", "scheduled__2", 300.0, path_kind="failure")],
        "fct_task_attempts": [
            holding_try("ads_daily", "spark_join", 200, slots=2),
            holding_try("backfilled", "copy", 10)],
        "agg_dag_slowdowns": [
            slowdown("ads_daily", "own", 4500, 8100, main_task_id="spark_join",
                     main_term="running", main_slower_seconds=3300.0),
            slowdown("orders", "waiting", 1200, 3000, main_task_id="load",
                     main_term="limit_wait", main_limited_by="pool:etl",
                     main_slower_seconds=1700.0),
            slowdown("late", "inherited", 600, 610, inherited_slower_seconds=1800.0),
            slowdown("same", "not_slower", 600, 590),
            slowdown("stage_dag", "external", 600, 960, cluster="staging")],
        "agg_daily_platform_usage": [
            *(used(n) for n in range(30)),
            used(0, cluster="staging", dag_run_count=2, active_user_count=1)],
        "dim_cluster_components": [
            component(alive_count=2), component("triggerer", "silent"),
            component("dag_processor"), component("scheduler", "stopped", cluster="staging")],
    }


def hostile_lists() -> dict[str, list[dict[str, Any]]]:
    """Ugly names wherever lists show a name."""
    names = hostile_names()
    return hostile() | {
        "dim_limits": [limit(name, cluster=name) for name in names],
        "agg_daily_limit_waits": [waited(name, 900.0 + n, cluster=name, limit_name=name)
                                  for n, name in enumerate(names)],
        "fct_limit_full_periods": [full_period(cluster=name, limit_name=name) for name in names],
        "fct_critical_path_steps": [
            waiting_step(name, name, 900.0, cluster=name, task_id=name, limited_by=f"pool:{name}")
            for name in names],
        "fct_task_attempts": [holding_try(name, name, 60, cluster=name, pool=name, run_id=name)
                              for name in names],
        "agg_dag_slowdowns": [
            slowdown(name, "waiting", 600, 6000, cluster=name, main_task_id=name,
                     main_term="limit_wait", main_limited_by=f"pool:{name}",
                     main_slower_seconds=60.0) for name in names],
        "agg_daily_platform_usage": [used(0, cluster=name) for name in names],
        "dim_cluster_components": [component(cluster=name) for name in names],
    }
