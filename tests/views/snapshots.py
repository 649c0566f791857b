"""Tiny published warehouses for the tests of pages: the marts' columns, a few rows, a pointer."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import yaml

# Inside the tests' own calendar: pages count from what the data is as of, never from the machine.
AS_OF = datetime.fromisoformat("2001-03-04T12:00")
FRESH_NOW = AS_OF + timedelta(minutes=2)
STALE_NOW = AS_OF + timedelta(hours=5)
_HOUR = timedelta(hours=1)

_MODELS = Path(__file__).parents[2] / "models" / "marts"


def _contracts() -> dict[str, dict[str, str]]:
    """Columns of every mart and their types, as its contract says them."""
    models = (model for path in sorted(_MODELS.rglob("*.yml"))
              for model in yaml.safe_load(path.read_text()).get("models", ()))
    return {model["name"]: {c["name"]: c["data_type"] for c in model["columns"]}
            for model in models}


COLUMNS: Mapping[str, Mapping[str, str]] = _contracts()
# The same as the inside of a `create table`.
MARTS: Mapping[str, str] = {mart: ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                            for mart, columns in COLUMNS.items()}
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


@cache
def _empty() -> bytes:
    """A generation without a row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.duckdb"
        with duckdb.connect(str(path)) as con:
            con.execute("create schema meta; create schema marts; create table meta.snapshot ("
                        "generation bigint, published_at timestamp, sealed_name varchar, "
                        "sealed_generation bigint, sealed_load_number bigint, "
                        "sealed_at timestamp)")
            for mart, columns in MARTS.items():
                con.execute(f"create table marts.{mart} ({columns})")
        return path.read_bytes()


def publish(root: Path, rows: Rows, *, generation: int = 1,
            published_at: datetime = AS_OF) -> Path:
    """Write a generation with these rows and point at it; returns the warehouse's folder."""
    folder = root / "snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"warehouse-{generation:08d}.duckdb"
    path.write_bytes(_empty())
    with duckdb.connect(str(path)) as con:
        con.begin()
        con.execute("insert into meta.snapshot values ($1, $2, null, null, null, null)",
                    [generation, published_at])
        for mart in MARTS:
            for names, alike in groupby(rows.get(mart, ()), key=tuple):
                marks = ", ".join("?" for _ in names)
                con.executemany(f"insert into marts.{mart} ({', '.join(names)}) values ({marks})",
                                [list(row.values()) for row in alike])
        con.commit()
    (root / "current").write_text(f"snapshots/{path.name}\n")
    return root


def cluster(name: str = "prod-eu", **changes: Any) -> dict[str, Any]:
    return {"cluster": name, "kind": "prod", "airflow_version": "3.1.8", "dialect": "postgresql",
            "warnings": "[]", "scheduler_heartbeat_at": AS_OF - timedelta(seconds=4),
            "newest_row_at": AS_OF, "loaded_at": AS_OF + timedelta(seconds=3),
            "replication_lag_seconds": None, "is_frozen": False} | changes


def run(dag_id: str = "ads_daily", run_id: str = "scheduled__1", *, state: str | None = "success",
        minutes_ago: float = 60, seconds: float | None = 1100, **changes: Any) -> dict[str, Any]:
    started = AS_OF - timedelta(minutes=minutes_ago)
    return {"cluster": "prod-eu", "dag_id": dag_id, "run_id": run_id, "run_kind": "scheduled",
            "state": state, "logical_at": started, "queued_at": started, "started_at": started,
            "ended_at": None if seconds is None else started + timedelta(seconds=seconds),
            "duration_seconds": seconds} | changes


def instance(task_id: str = "extract", *, state: str | None = "success", after: float = 0,
             seconds: float | None = 60, map_index: int = -1, dag_id: str = "ads_daily",
             run_id: str = "scheduled__1", **changes: Any) -> dict[str, Any]:
    started = AS_OF - timedelta(minutes=60) + timedelta(seconds=after)
    return {"cluster": "prod-eu", "dag_id": dag_id, "run_id": run_id, "task_id": task_id,
            "map_index": map_index, "state": state, "operator": "BashOperator",
            "pool": "default_pool", "queued_at": started - timedelta(seconds=5),
            "started_at": started,
            "ended_at": None if seconds is None else started + timedelta(seconds=seconds),
            "duration_seconds": seconds} | changes


def entry(dag_id: str = "ads_daily", task_id: str = "", *, runs: Sequence[str | None] = (),
          **changes: Any) -> dict[str, Any]:
    """A DAG or a task that can be searched; `runs` are the states of its latest runs."""
    latest = [{"run_id": f"scheduled__{n}", "run_kind": "scheduled", "state": state,
               "started_at": AS_OF - timedelta(hours=len(runs) - n), "duration_seconds": 60.0}
              for n, state in enumerate(runs)]
    name = task_id or dag_id
    return {
        "cluster": "prod-eu", "entry_kind": "task" if task_id else "dag", "dag_id": dag_id,
        "task_id": task_id, "entry_name": name, "search_text": name.lower(),
        "qualified_name": f"{dag_id}.{task_id}".lower().rstrip("."), "display_name": name,
        "cluster_kind": "prod", "owner": "ann", "owners": ["ann"], "tags": [],
        "latest_runs": None if task_id else latest,
        "last_run_id": latest[-1]["run_id"] if latest else None,
        "last_run_state": latest[-1]["state"] if latest else None,
        "last_run_started_at": latest[-1]["started_at"] if latest else None,
        "last_run_seconds": 60.0 if latest else None, "sample_count": 0, "run_count": len(runs),
        "is_current": True, "is_paused": False, "is_active": True,
        "has_import_errors": False} | changes


def dag(dag_id: str = "ads_daily", **changes: Any) -> dict[str, Any]:
    """A row of dim_dags."""
    return {"cluster": "prod-eu", "dag_id": dag_id, "display_name": dag_id, "owner": "ann",
            "tags": ["gold"], "schedule": "10 12 * * *", "schedule_kind": "cron",
            "schedule_description": "At 12:10", "schedule_timezone_name": "Europe/Berlin",
            "file_path": "/dags/ads.py", "relative_file_path": "ads.py", "is_paused": False,
            "is_active": True, "is_stale": False, "has_import_errors": False,
            "has_dag_row": True, "run_count": 2, "last_parsed_at": AS_OF,
            "next_run_at": AS_OF + timedelta(hours=1)} | changes


def task(task_id: str = "extract", **changes: Any) -> dict[str, Any]:
    """A row of dim_tasks."""
    return {"cluster": "prod-eu", "dag_id": "ads_daily", "task_id": task_id,
            "operator": "BashOperator", "pool": "default_pool", "queue": "default",
            "trigger_rule": "all_success", "retries": 2, "retry_delay_seconds": 300.0,
            "depth_index": 0, "pool_slot_count": 1, "is_mapped": False, "is_sensor": False,
            "task_basis": "latest_structure", "is_in_latest_structure": True} | changes


def durations(median: float = 600.0, **changes: Any) -> dict[str, Any]:
    """A row of agg_dag_durations; with a task_id one of agg_task_durations."""
    return {"cluster": "prod-eu", "dag_id": "ads_daily", "basis_kind": "latest_30",
            "sample_count": 30, "min_seconds": median / 2, "mean_seconds": median,
            "median_seconds": median, "p95_seconds": median * 1.5, "max_seconds": median * 2,
            "mad_seconds": median / 20} | changes


def full() -> dict[str, list[dict[str, Any]]]:
    """Two clusters with runs of each end, mapped tasks, and one of each thing that goes wrong."""
    return {
        "dim_clusters": [
            cluster(), cluster("staging", kind="staging", airflow_version="2.10.5",
                               warnings='["Not found, so not landed: trigger."]',
                               replication_lag_seconds=1.5)],
        "fct_dag_runs": [
            run(), run(run_id="scheduled__2", state="failed", minutes_ago=30, seconds=42),
            run("orders", "manual__1", state="running", minutes_ago=10, seconds=None,
                run_kind="manual"),
            run("orders", "manual__2", state="queued", seconds=None, started_at=None,
                run_kind="manual", queued_at=AS_OF - timedelta(minutes=1)),
            run("long_ago", "scheduled__0", minutes_ago=60 * 24 * 5),
            run("stage_dag", "backfill__1", cluster="staging", run_kind="backfill",
                seconds=18_149, minutes_ago=400, deleted_at=AS_OF)],
        "fct_task_instances": [
            instance(), instance("split", state="failed", after=60, map_index=0, seconds=0.2),
            instance("split", state="upstream_failed", after=70, map_index=1, seconds=0),
            instance("load", state=None, started_at=None, queued_at=None, seconds=None)],
        "dim_dags": [
            dag(), dag("orders", schedule=None, schedule_description=None, is_paused=True),
            dag("long_ago", deleted_at=AS_OF - timedelta(days=1), is_active=False),
            dag("never_ran", run_count=0), dag("stage_dag", cluster="staging"),
            dag("both"), dag("both", cluster="staging", has_import_errors=True)],
        "dim_tasks": [
            task(), task("split", depth_index=1, is_mapped=True, task_group_id="middle"),
            task("load", depth_index=2, pool="etl")],
        "agg_dag_durations": [durations()],
        "agg_task_durations": [
            durations(30, task_id="extract", try_mean_count=1.2), durations(600, task_id="load")],
        "fct_model_path_tasks": [
            {"cluster": "prod-eu", "dag_id": "ads_daily", "task_id": name, "path_basis": "partial",
             "model_path_seconds": 630.0, "float_seconds": float_, "drag_seconds": drag,
             "criticality_ratio": ratio, "criticality_sample_count": 30,
             "is_on_model_path": float_ == 0}
            for name, float_, drag, ratio in (("extract", 0.0, 30.0, 1.0),
                                              ("split", 600.0, 0.0, 0.0),
                                              ("load", 0.0, 600.0, 0.83))],
        "dim_search_entries": [
            entry(runs=["failed", "success"], tier="1", team="ads", project="reporting",
                  tags=["gold"], schedule="10 12 * * *", schedule_kind="cron", task_count=2,
                  median_seconds=720.0, sample_count=30, next_run_at=AS_OF + timedelta(hours=1)),
            entry(task_id="extract", operator="BashOperator", last_run_state="success",
                  team="ads", median_seconds=42.0, sample_count=7),
            entry("orders", runs=["success", "failed"], owner="ann, bob", owners=["ann", "bob"]),
            entry("long_ago", runs=["success"], is_paused=True,
                  last_run_started_at=AS_OF - timedelta(days=5)),
            entry("gone_dag", is_current=False, is_active=False, deleted_at=AS_OF),
            entry("stage_dag", cluster="staging", cluster_kind="staging", has_import_errors=True)],
        "fct_loads": [{"cluster": "prod-eu", "load_number": 1, "load_kind": "increment",
                       "observed_at": AS_OF, "loaded_at": AS_OF, "row_count": 4321}],
        "fct_failed_loads": [{"cluster": "staging", "failed_at": AS_OF - timedelta(hours=2),
                              "error_class": "SourceUnreachableError",
                              "message": "no route to host"}],
        "fct_quarantined_batches": [{
            "cluster": "prod-eu", "load_number": 1, "table_name": "dag_run",
            "reason": "dag_id is null in 3 rows", "quarantine_path": "x", "observed_at": AS_OF,
            "row_count": 3}],
        "agg_row_flags": [{"cluster": "prod-eu", "model_name": "fct_dag_runs",
                           "row_flag": "ended_before_started", "row_count": 7}],
    }


def hostile_names() -> list[str]:
    """Names that a DAG author may choose and that must be shown as they are."""
    foreign = "http://127.0.0.1:9"
    return [
        f'<img src={foreign}/x onerror="document.title=1">',
        f'"><script src={foreign}/s></script><b>bold</b>',
        f"![pixel]({foreign}/pixel.png)",
        f"[link]({foreign}/link) www.foreign.example x@foreign.example {foreign}/auto",
        "$\\LaTeX$ $$x^2$$ `code` **strong** # head :red[red]",
        ":material/home: :smile: :streamlit:",
        "\u202egnp.exe \u2066isolated\u2069 \u200bzero",
        "a" * 250,
        "line one\nline two\ttab\x00nul",
        "naïve 🌬️ 日本語 👩‍👩‍👧",
        "{{ 7*7 }} {0} {__class__} %s",
        "' or 1=1; drop table fct_dag_runs; --",
        "✓ success שלום",
    ]


def with_texts(mart: str, row: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The row with this text in every column of text that it says nothing of."""
    texts = {"varchar": text, "varchar[]": [text]}
    return {name: texts[kind] for name, kind in COLUMNS[mart].items() if kind in texts} | row


def hostile() -> dict[str, list[dict[str, Any]]]:
    """Every text of every mart is hostile, in every place at once; equal ones belong together."""
    named = _hostile(hostile_names())
    return {mart: [with_texts(mart, row, row["cluster"])
                   for row in named.get(mart, [{"cluster": name} for name in hostile_names()])]
            for mart in COLUMNS}


def _hostile(names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """What is more than a text in each column."""
    return {
        "dim_clusters": [
            cluster(name, kind=names[0], airflow_version=names[1], dialect=names[3],
                    warnings=f'["{chr(0x202e)}![w](http://127.0.0.1:9/w.png)"]') for name in names],
        "fct_dag_runs": [
            run(name, name, cluster=name, state=name if n % 2 else "failed", minutes_ago=5 + n,
                run_kind=name) for n, name in enumerate(names)],
        "fct_task_instances": [
            instance(task, dag_id=dag, run_id=dag, cluster=dag, state=task if n % 2 else "failed",
                     operator=task, pool=task)
            for dag in names for n, task in enumerate(names)],
        "dim_dags": [
            dag(name, cluster=name, owner=name, tags=[name, name], schedule=name,
                schedule_description=name, schedule_timezone_name=name, file_path=name,
                relative_file_path=name, has_import_errors=True) for name in names],
        "dim_tasks": [
            task(name, cluster=dag_id, dag_id=dag_id, operator=name, pool=name, queue=name,
                 trigger_rule=name, task_group_id=name, external_dag_id=name, is_sensor=True)
            for dag_id in names for name in names],
        "agg_dag_durations": [durations(cluster=n, dag_id=n, basis_kind=n) for n in names],
        "agg_task_durations": [durations(cluster=n, dag_id=n, task_id=n) for n in names],
        "fct_critical_path_steps": [
            {"cluster": name, "path_kind": "finish", "step_number": 1, "map_index": -1,
             "limited_by": f"pool:{name}", "handoff_seconds": 900.0, "limit_wait_seconds": 900.0,
             "external_wait_seconds": 0.0, "running_seconds": 1.0, "retry_wait_seconds": 0.0,
             "deferred_seconds": 0.0} for name in names],
        "fct_task_attempts": [
            {"cluster": name, "map_index": -1, "try_number": number, "outcome": "retried",
             "started_at": AS_OF - timedelta(minutes=9 - number),
             "ended_at": AS_OF - timedelta(minutes=9 - number)}
            for name in names for number in (1, 2)],
        "dim_dag_versions": [{"cluster": name, "first_seen_at": AS_OF} for name in names],
        "fct_dag_version_changes": [
            {"cluster": name, "change_number": number, "change_kind": kind, "changed_at": AS_OF}
            for name in names for number, kind in enumerate((
                "task_added", "task_removed", "edge_added", "edge_removed", "task_changed",
                "source_changed", name))],
        "fct_audit_events": [{"cluster": n, "event_id": 1, "happened_at": AS_OF} for n in names],
        "fct_import_errors": [
            {"cluster": name, "stack_trace": f"{name}\n  {name}",
             "first_seen_at": AS_OF, "last_seen_at": AS_OF} for name in names],
        "dim_search_entries": [
            entry(name, task, cluster=name, runs=[name, "failed"], cluster_kind=name, owner=name,
                  owners=[name], tags=[name], display_name=name, last_run_id=name,
                  last_run_state=name, search_text=name.lower(), task_count=1)
            for name in names for task in ("", name)],
        "fct_loads": [{"cluster": name, "load_number": n, "observed_at": AS_OF,
                       "loaded_at": AS_OF, "row_count": 1} for n, name in enumerate(names)],
        "fct_failed_loads": [{"cluster": n, "failed_at": AS_OF - _HOUR} for n in names],
        "fct_quarantined_batches": [{"cluster": name, "load_number": n, "observed_at": AS_OF,
                                     "row_count": 1} for n, name in enumerate(names)],
        "agg_row_flags": [{"cluster": name, "row_count": 1} for name in names],
    }
