"""A company small enough to read, and its days: what the tests of `ingest/world/emit` write.

Two clusters (2.10.5 and 3.1.8) with the same DAGs; every day at 23:40 `etl` retries once and
updates an asset, which starts `consumer`; `mapped` runs over midnight; `stuck` never ends.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from ingest.world import frames
from ingest.world.company import Company
from ingest.world.simulate import Day

CLUSTERS = (("two", "2.10.5"), ("three", "3.1.8"))
FIRST = date(2026, 3, 2)
_BEGAN = datetime.combine(FIRST, time(), UTC)
_INSTANT = pl.Datetime("us", "UTC")
_DECIDED = timedelta(seconds=420, microseconds=9)
_RUN: dict[str, Any] = {
    "cluster": pl.String, "dag_id": pl.String, "run_id": pl.String, "run_type": pl.String,
    "logical_at": _INSTANT, "interval_start_at": _INSTANT, "interval_end_at": _INSTANT,
    "run_after_at": _INSTANT, "queued_at": _INSTANT, "started_at": _INSTANT, "ended_at": _INSTANT,
    "state": pl.String, "version_number": pl.Int64, "clear_number": pl.Int64,
    "triggered_by": pl.String}
_ATTEMPT: dict[str, Any] = {
    "cluster": pl.String, "dag_id": pl.String, "run_id": pl.String, "task_id": pl.String,
    "map_index": pl.Int64, "try_number": pl.Int64, "version_number": pl.Int64,
    "scheduled_at": _INSTANT, "queued_at": _INSTANT, "started_at": _INSTANT, "ended_at": _INSTANT,
    "decided_at": _INSTANT, "state": pl.String, "is_last": pl.Boolean,
    "hostname": pl.String, "pid": pl.Int64,
    "pool": pl.String, "pool_slots": pl.Int64, "queue": pl.String, "priority_weight": pl.Int64,
    "operator": pl.String, "max_tries": pl.Int64, "error_kind": pl.String,
    "peak_memory_bytes": pl.Int64, "cpu_seconds": pl.Float64}
_EVENT: dict[str, Any] = {
    "cluster": pl.String, "at": _INSTANT, "event": pl.String, "dag_id": pl.String,
    "run_id": pl.String, "task_id": pl.String, "map_index": pl.Int64, "owner": pl.String}
_TASKS = {          # dag -> task -> upstreams
    "etl": {"extract": [], "load": ["extract"], "report": ["load"], "alarm": ["load"]},
    "mapped": {"split": [], "work": ["split"], "merge": ["work"]},
    "consumer": {"read": []}, "stuck": {"hang": []}, "idle": {"nothing": []},
    "broken": {"nothing": []}}
_SCHEDULES = {"etl": "40 23 * * *", "mapped": "58 23 * * *", "stuck": "0 12 * * *",
              "idle": "0 4 * * *", "broken": "@hourly"}


def small_company() -> Company:
    """The company; every cluster has the same DAGs."""
    names = [c for c, _ in CLUSTERS]
    dags = [_dag(c, d) for c in names for d in _TASKS]
    tasks = [_task(c, d, v, t) for c in names for d in _TASKS for v in _versions(d)
             for t in _TASKS[d]]
    versions = [{"cluster": c, "dag_id": d, "version_number": v, "revision": f"r{v}",
                 "created_at": _BEGAN - timedelta(days=9) + timedelta(days=10 * (v - 1))}
                for c in names for d in _TASKS for v in _versions(d)]
    pools = [{"cluster": c, "pool": p, "slots": n} for c in names
             for p, n in (("default_pool", 16), ("small", 2))]
    empty = pl.DataFrame()
    return Company(
        7, _BEGAN, _BEGAN + timedelta(days=3),
        pl.DataFrame([{"cluster": c, "release": r, "kind": "prod", "parallelism": 32}
                      for c, r in CLUSTERS]),
        pl.DataFrame(pools), pl.DataFrame(dags, frames.DAG_SCHEMA),
        pl.DataFrame(versions, frames.VERSION_SCHEMA), pl.DataFrame(tasks, frames.TASK_SCHEMA),
        empty, empty, {})


def small_day(on: date) -> Day:
    """What happens to the runs of a day; later days are a little slower."""
    runs: list[dict[str, Any]] = []
    tries: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for cluster, _ in CLUSTERS:
        _play(cluster, on, runs, tries, events)
    return Day(on, pl.DataFrame(runs, _RUN), pl.DataFrame(tries, _ATTEMPT), pl.DataFrame(),
               pl.DataFrame(events, _EVENT), ())


def _play(cluster: str, on: date, runs: list[Any], tries: list[Any], events: list[Any]) -> None:
    number = (on - FIRST).days
    slow = timedelta(microseconds=1_000_003 * number)
    etl = datetime.combine(on, time(23, 40), UTC)
    runs.append(_run(cluster, "etl", etl, timedelta(minutes=9) + slow, number))
    tries += [
        _try(cluster, runs[-1], "extract", (1, 2, 3, 60)),
        _try(cluster, runs[-1], "load", (61, 62, 63, 90), state="failed", is_last=False),
        _try(cluster, runs[-1], "load", (390, 391, 393, 420), number=2),
        _try(cluster, runs[-1], "report", (421, 422, 425, 530)),
        _try(cluster, runs[-1], "alarm", (None, None, None, None), number=0, state="skipped")]
    updated = tries[-3]["ended_at"]
    runs.append(_run(cluster, "consumer", updated + timedelta(seconds=3), timedelta(minutes=1),
                     number, kind="asset_triggered"))
    tries.append(_try(cluster, runs[-1], "read", (1, 2, 3, 55)))
    runs.append(_run(cluster, "mapped", datetime.combine(on, time(23, 58), UTC),
                     timedelta(minutes=5) + slow, number))
    tries += [_try(cluster, runs[-1], "split", (1, 2, 3, 60)),
              *(_try(cluster, runs[-1], "work", (62, 63, 64 + i, 200 + i), index=i)
                for i in range(3)),
              _try(cluster, runs[-1], "merge", (203, 204, 205, 299))]
    if number == 0:
        runs.append(_run(cluster, "stuck", datetime.combine(on, time(12), UTC), None, number))
        tries.append(_try(cluster, runs[-1], "hang", (1, 2, 3, None), state="running"))
    events.append({"cluster": cluster, "at": etl + timedelta(seconds=30), "event": "pause",
                   "dag_id": "idle", "run_id": None, "task_id": None, "map_index": None,
                   "owner": "ann"})


def _run(cluster: str, dag_id: str, at: datetime, length: timedelta | None, number: int, *,
         kind: str = "scheduled") -> dict[str, Any]:
    logical = at if kind == "scheduled" else at if cluster == "two" else None
    queued = at + timedelta(seconds=1, microseconds=17 + number)
    return {"cluster": cluster, "dag_id": dag_id, "run_id": f"{kind}__{at.isoformat()}",
            "run_type": kind, "logical_at": logical, "interval_start_at": logical,
            "interval_end_at": logical, "run_after_at": at, "queued_at": queued,
            "started_at": queued + timedelta(seconds=1),
            "ended_at": None if length is None else queued + length,
            "state": "running" if length is None else "success",
            "version_number": 2 if dag_id == "etl" and number >= 1 else 1, "clear_number": 0,
            "triggered_by": "timetable" if kind == "scheduled" else "asset"}


def _try(cluster: str, run: dict[str, Any], task_id: str, seconds: tuple[float | None, ...], *,
         number: int = 1, index: int = -1, state: str = "success",
         is_last: bool = True) -> dict[str, Any]:
    dates = [None if s is None else run["started_at"] + timedelta(seconds=s) for s in seconds]
    names = ("scheduled_at", "queued_at", "started_at", "ended_at")
    ran = dates[2] is not None
    return {"cluster": cluster, "dag_id": run["dag_id"], "run_id": run["run_id"],
            "task_id": task_id, "map_index": index, "try_number": number,
            "version_number": run["version_number"], **dict(zip(names, dates, strict=True)),
            "decided_at": None if ran else run["started_at"] + _DECIDED,
            "state": state, "is_last": is_last, "hostname": "worker-1" if ran else None,
            "pid": 4242 if ran else None, "pool": "default_pool", "pool_slots": 1,
            "queue": "default", "priority_weight": 1, "operator": "PythonOperator",
            "max_tries": 2, "error_kind": ERROR if state == "failed" else None,
            "peak_memory_bytes": 400_000_000 if ran else None,
            "cpu_seconds": 7.5 if ran else None}


def _versions(dag_id: str) -> tuple[int, ...]:
    return (1, 2) if dag_id == "etl" else (1,)


def _dag(cluster: str, dag_id: str) -> dict[str, Any]:
    return {"cluster": cluster, "dag_id": dag_id, "owner": "ann", "team": "data", "tier": 1,
            "project": "core", "tags": ["team:data", "tier:1"],
            "schedule": _SCHEDULES.get(dag_id), "description": f"the {dag_id}",
            "relative_fileloc": f"core/{dag_id}.py", "is_paused": dag_id == "idle",
            "max_active_runs": 1 if dag_id == "stuck" else 16, "max_active_tasks": 16,
            "catchup": False, "start_at": _BEGAN - timedelta(days=30), "end_at": None,
            "import_error": "Traceback: no module" if dag_id == "broken" else None,
            "first_seen_at": _BEGAN - timedelta(days=10),
            "last_parsed_at": _BEGAN + timedelta(days=1) if dag_id == "broken" else None,
            "asset_uris": ["s3://lake/orders"] if dag_id == "consumer" else [],
            "scenario": None}


def _task(cluster: str, dag_id: str, version: int, task_id: str) -> dict[str, Any]:
    return {"cluster": cluster, "dag_id": dag_id, "version_number": version, "task_id": task_id,
            "operator": "PythonOperator", "trigger_rule": "all_success", "retries": 2,
            "retry_delay_seconds": 300.0 + version, "pool": "default_pool", "pool_slots": 1,
            "queue": "default", "priority_weight": 1,
            "upstream_task_ids": _TASKS[dag_id][task_id], "is_sensor": False,
            "is_mapped": task_id == "work", "depends_on_past": False,
            "requested_cpu_cores": 0.5, "requested_memory_bytes": 2**30,
            "external_dag_id": None, "external_task_id": None, "trigger_dag_id": None,
            "inlet_assets": [],
            "outlet_assets": ["s3://lake/orders"] if task_id == "load" else []}


ERROR = "key_error"
