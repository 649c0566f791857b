"""Rows of the marts around single runs, for the tests of the Run page.

    full_run()  ->  ads_daily: scheduled__0 (good), scheduled__1 (slow), scheduled__2 (failed),
                    orders: manual__1 (running), manual__2 (queued)
"""

from datetime import datetime, timedelta
from typing import Any

from tests.views.snapshots import AS_OF, cluster, hostile_names, instance, run

START = AS_OF - timedelta(minutes=60)
SLOW = {"cluster": "prod-eu", "dag_id": "ads_daily", "run_id": "scheduled__1"}
FAILED = SLOW | {"run_id": "scheduled__2"}
RUNNING = {"cluster": "prod-eu", "dag_id": "orders", "run_id": "manual__1"}
QUEUED = RUNNING | {"run_id": "manual__2"}
_TERMS = ("past_run_wait_seconds", "limit_wait_seconds", "scheduler_wait_seconds",
          "startup_wait_seconds")
_REST = ("external_wait_seconds", "deferred_seconds", "retry_wait_seconds", "running_seconds")


def step(number: int, task_id: str, ready_at: datetime, **changes: Any) -> dict[str, Any]:
    """A step whose handoff is the sum of its waits, and whose instants follow from its terms."""
    terms = {name: float(changes.get(name, 0.0)) for name in (*_TERMS, *_REST)}
    handoff = sum(terms[name] for name in _TERMS)
    whole = handoff + sum(terms[name] for name in _REST)
    return SLOW | {
        "path_kind": "finish", "step_number": number, "task_id": task_id, "map_index": -1,
        "limited_by": None, "waits_basis": "recorded", "structure_basis": "recorded",
        "gated_by_run_id": None, "ready_at": ready_at,
        "started_at": ready_at + timedelta(seconds=handoff),
        "ended_at": ready_at + timedelta(seconds=whole), "handoff_seconds": handoff,
        "has_missing_tries": False, "has_clock_skew": False, "has_unknown_deferral": False,
        "was_lost": False} | terms | changes


def path(start: datetime, *steps: tuple[str, dict[str, Any]], **all_of_them: Any,
         ) -> list[dict[str, Any]]:
    """Steps one after the other."""
    found: list[dict[str, Any]] = []
    for number, (task_id, changes) in enumerate(steps, 1):
        ready = found[-1]["ended_at"] if found else start
        found.append(step(number, task_id, ready, **all_of_them, **changes))
    return found


def attempt(task_id: str, begin: datetime, seconds: float | None, **changes: Any,
            ) -> dict[str, Any]:
    return SLOW | {
        "task_id": task_id, "map_index": -1, "try_number": 1, "state": "success",
        "outcome": "success", "pool": "etl", "host_name": "worker-1",
        "queued_at": begin - timedelta(seconds=5), "started_at": begin,
        "ended_at": None if seconds is None else begin + timedelta(seconds=seconds),
        "pool_slot_count": 1, "duration_seconds": seconds} | changes


def _runs() -> list[dict[str, Any]]:
    good = run(run_id="scheduled__0", minutes_ago=120, seconds=700, version_key="v1",
               structure_basis="recorded")
    slow = run(version_key="v2", structure_basis="recorded", was_rerun=True,
               has_missing_tries=True, has_clock_skew=True, has_lost_tasks=True,
               due_at=START - timedelta(minutes=5), created_late_seconds=290.0,
               run_queued_seconds=10.0)
    failed = run(run_id="scheduled__2", state="failed", minutes_ago=30, seconds=420,
                 structure_basis="inferred", deleted_at=AS_OF, delete_reason="retention")
    running = run("orders", "manual__1", state="running", minutes_ago=22, seconds=None,
                  run_kind="manual", triggered_by="rest_api", structure_basis="nearest")
    queued = run("orders", "manual__2", state="queued", seconds=None, started_at=None,
                 run_kind="manual", queued_at=AS_OF - timedelta(minutes=1))
    idle = run("orders", "manual__0", state="failed", minutes_ago=600, seconds=60)
    rows = [good, slow, failed, running, queued, idle]
    return [r | {"path_ended_at": r["ended_at"] or AS_OF} for r in rows]


def _steps() -> list[dict[str, Any]]:
    slow = path(
        START,
        ("extract", {"limit_wait_seconds": 80, "scheduler_wait_seconds": 10,
                     "startup_wait_seconds": 10, "running_seconds": 300, "limited_by": "pool:etl",
                     "waits_basis": "inferred"}),
        ("transform", {"scheduler_wait_seconds": 50, "retry_wait_seconds": 40,
                       "running_seconds": 500, "has_missing_tries": True}),
        ("wait_sales", {"external_wait_seconds": 60, "was_lost": True}))
    good = path(START - timedelta(minutes=60),
                ("extract", {"scheduler_wait_seconds": 20, "running_seconds": 280}),
                ("transform", {"startup_wait_seconds": 10, "running_seconds": 380}),
                run_id="scheduled__0")
    begin = AS_OF - timedelta(minutes=30)
    failed = [path(begin, ("extract", {"scheduler_wait_seconds": 20, "running_seconds": 280}),
                   ("split", {"startup_wait_seconds": 10, "running_seconds": 50, "map_index": 0}),
                   run_id="scheduled__2", path_kind=kind, structure_basis="inferred")
              for kind in ("finish", "failure")]
    failed[0].append(step(3, "cleanup", failed[0][-1]["ended_at"], running_seconds=60,
                          run_id="scheduled__2"))
    running = path(AS_OF - timedelta(minutes=22), ("load", {
        "scheduler_wait_seconds": 20, "running_seconds": 1300}), **RUNNING)
    return [*slow, *good, *failed[0], *failed[1], *running]


def _instances() -> list[dict[str, Any]]:
    of_slow = {"version_key": "v2", "pool": "etl", "pool_slot_count": 1, "has_run": True,
               "try_count": 1, "run_started_at": START, "run_kind": "scheduled"}
    on_path = of_slow | {"is_on_critical_path": True}
    earlier = {"run_id": "scheduled__0", "run_started_at": START - timedelta(minutes=60)}
    return [
        instance("extract", after=100, seconds=300, host_name="worker-1", external_job_id="job-7",
                 **on_path),
        instance("transform", after=450, seconds=440, **on_path | {
            "try_count": 3, "has_missing_tries": True}),
        instance("wait_sales", after=990, seconds=60, **on_path | {"is_sensor": True}),
        instance("split", state="failed", after=60, map_index=0, seconds=0.2, **of_slow),
        instance("split", state="upstream_failed", map_index=1, seconds=0,
                 **of_slow | {"has_run": False}),
        instance("later", state=None, started_at=None, queued_at=None, seconds=None,
                 **of_slow | {"has_run": False, "try_count": 0}),
        instance("extract", seconds=280, after=-3580, **on_path | earlier),
        instance("transform", seconds=380, after=-3290, **on_path | earlier),
        instance("dropped", seconds=5, after=-3000, **of_slow | earlier),
        instance("split", state="failed", run_id="scheduled__2", map_index=0, after=2110,
                 seconds=50, **of_slow),
        instance("later", state="upstream_failed", run_id="scheduled__2", after=2200, seconds=0,
                 **of_slow),
        instance("load", state="running", dag_id="orders", run_id="manual__1", after=2300,
                 seconds=None, **on_path | {"run_kind": "manual"}),
        instance("next", state="queued", dag_id="orders", run_id="manual__1", seconds=None,
                 started_at=None, **of_slow | {"has_run": False}),
    ]


def _durations() -> dict[str, list[dict[str, Any]]]:
    def basis(median: float) -> dict[str, Any]:
        return {"cluster": "prod-eu", "dag_id": "ads_daily", "basis_kind": "latest_30",
                "sample_count": 30, "min_seconds": median / 2, "mean_seconds": median,
                "median_seconds": median, "p95_seconds": median * 2, "max_seconds": median * 3,
                "mad_seconds": 1.0, "manual_count": 0, "backfill_count": 0, "rerun_count": 0}
    return {
        "agg_dag_durations": [basis(720), basis(1080) | {"dag_id": "orders"}],
        "agg_task_durations": [basis(290) | {"task_id": "extract"},
                               basis(250) | {"task_id": "transform"},
                               basis(300) | {"task_id": "load", "dag_id": "orders"}]}


def full_run() -> dict[str, list[dict[str, Any]]]:
    """Runs in every state, with all that the page reads of them."""
    key = {"cluster": "prod-eu", "dag_id": "ads_daily"}
    other = {"upstream_cluster": "staging", "upstream_dag_id": "sales",
             "upstream_run_id": "scheduled__9"}
    link = SLOW | other | {
        "link_number": 1, "link_kind": "sensor", "link_basis": "logical_date",
        "task_id": "wait_sales", "map_index": -1, "wait_state": "success", "path_step_number": 3,
        "wait_began_at": START + timedelta(seconds=990),
        "wait_ended_at": START + timedelta(seconds=1050),
        "external_ended_at": START + timedelta(seconds=1045), "detection_lag_seconds": 5.0}
    chain = SLOW | other | {
        "chain_number": 1, "link_kind": "sensor", "link_basis": "logical_date",
        "waiting_task_id": "wait_sales", "began_at": START, "own_seconds": 1045.0,
        "ended_at": START + timedelta(seconds=1045), "chain_step_count": 2, "is_cut": True}
    return _durations() | {
        "dim_clusters": [cluster(base_url="https://airflow.example"),
                         cluster("staging", kind="staging", airflow_version="2.10.5")],
        "dim_dags": [{"cluster": "prod-eu", "dag_id": "orders", "is_paused": False,
                      "max_active_run_count": 1}],
        "fct_dag_runs": _runs(), "fct_critical_path_steps": _steps(),
        "fct_task_instances": _instances(),
        "fct_task_attempts": [
            attempt("extract", START + timedelta(seconds=100), 300),
            attempt("transform", START + timedelta(seconds=450), 60, state="failed",
                    outcome="retried"),
            attempt("transform", START + timedelta(seconds=550), 440, try_number=3),
            attempt("wait_sales", START + timedelta(seconds=990), 60),
            attempt("hog", START - timedelta(seconds=100), 160, dag_id="orders", run_id="manual__0",
                    pool_slot_count=2)],
        "fct_limit_full_periods": [{
            "cluster": "prod-eu", "limit_kind": "pool", "limit_name": "etl", "limit_run_id": "",
            "full_date": START.date(), "need_count": 1, "began_at": START,
            "ended_at": START + timedelta(seconds=60), "size_count": 2, "full_seconds": 60.0}],
        "fct_run_links": [link, link | {"cluster": "staging", "dag_id": "reports",
                                        "run_id": "scheduled__3", "task_id": "wait_ads",
                                        "upstream_cluster": "prod-eu",
                                        "upstream_dag_id": "ads_daily",
                                        "upstream_run_id": "scheduled__1"}],
        "fct_run_chain_steps": [chain, chain | {
            "chain_number": 2, "upstream_cluster": "prod-eu", "upstream_dag_id": "ads_daily",
            "upstream_run_id": "scheduled__1", "link_kind": None, "own_seconds": 55.0,
            "began_at": START + timedelta(seconds=1045)}],
        "fct_task_edges": [key | {"version_key": "v2", "upstream_task_id": up,
                                  "downstream_task_id": down, "is_same_index": False}
                           for up, down in (("extract", "transform"), ("transform", "wait_sales"),
                                            ("extract", "split"))],
        "dim_tasks": [key | {"task_id": task, "trigger_rule": "all_success", "depth_index": depth}
                      for depth, task in enumerate(("extract", "transform", "wait_sales",
                                                    "split"))],
        "dim_dag_versions": [
            key | {"version_key": f"v{n}", "version_number": n, "structure_hash": f"h{n}",
                   "graph_hash": f"g{n}", "source_hash": "same",
                   "first_seen_at": START + timedelta(hours=n - 2)} for n in (1, 2)],
    }


def hostile_run() -> dict[str, list[dict[str, Any]]]:
    """The same, where every text is one that a stranger chose; a cluster for each of them."""
    kept = {"path_kind", "waits_basis", "structure_basis", "limit_kind", "link_kind", "run_kind",
            "trigger_rule", "link_basis", "basis_kind", "limit_run_id", "state", "outcome"}
    found: dict[str, list[dict[str, Any]]] = {}
    for name in hostile_names():
        for mart, rows in full_run().items():
            found.setdefault(mart, []).extend(
                {column: name if isinstance(value, str) and column not in kept else value
                 for column, value in row.items()}
                for row in rows if row.get("run_id", "scheduled__1") == "scheduled__1"
                and row.get("dag_id", "ads_daily") == "ads_daily")
    for row in found["fct_critical_path_steps"]:
        row["limited_by"] = f"pool:{row['task_id']}"
    return found
