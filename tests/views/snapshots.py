"""Tiny published warehouses for the tests of pages: the marts' columns, a few rows, a pointer."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml

# Inside the tests' own calendar: pages count from what the data is as of, never from the machine.
AS_OF = datetime.fromisoformat("2001-03-04T12:00")
FRESH_NOW = AS_OF + timedelta(minutes=2)
STALE_NOW = AS_OF + timedelta(hours=5)

_MODELS = Path(__file__).parents[2] / "models" / "marts"


def _contracts() -> dict[str, str]:
    """Columns of every mart as its contract says them, as the inside of a `create table`."""
    models = (model for path in sorted(_MODELS.rglob("*.yml"))
              for model in yaml.safe_load(path.read_text()).get("models", ()))
    return {model["name"]: ", ".join(f'"{c["name"]}" {c["data_type"]}' for c in model["columns"])
            for model in models}


MARTS: Mapping[str, str] = _contracts()
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def publish(root: Path, rows: Rows, *, generation: int = 1,
            published_at: datetime = AS_OF) -> Path:
    """Write a generation with these rows and point at it; returns the warehouse's folder."""
    folder = root / "snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"warehouse-{generation:08d}.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create schema meta; create schema marts; create table meta.snapshot ("
                    "generation bigint, published_at timestamp, sealed_name varchar, "
                    "sealed_generation bigint, sealed_load_number bigint, sealed_at timestamp)")
        con.execute("insert into meta.snapshot values ($1, $2, null, null, null, null)",
                    [generation, published_at])
        for mart, columns in MARTS.items():
            con.execute(f"create table marts.{mart} ({columns})")
            for row in rows.get(mart, ()):
                marks = ", ".join("?" for _ in row)
                con.execute(f"insert into marts.{mart} ({', '.join(row)}) values ({marks})",
                            list(row.values()))
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
    ]


def hostile() -> dict[str, list[dict[str, Any]]]:
    """Every free text of every mart is hostile, in every place at once."""
    names = hostile_names()
    ugly = [cluster(name, kind=names[0], airflow_version=names[1], dialect=names[3],
                    warnings=f'["{chr(0x202e)}![w](http://127.0.0.1:9/w.png)"]')
            for name in names]
    return {
        "dim_clusters": ugly,
        "fct_dag_runs": [run(name, name, cluster=name, state=state, minutes_ago=5 + n,
                             run_kind=name)
                         for n, name in enumerate(names)
                         for state in ((name,) if n % 2 else ("failed",))],
        "fct_task_instances": [
            instance(task, dag_id=dag, run_id=dag, cluster=dag, state=task if n % 2 else "failed",
                     operator=task, pool=task)
            for dag in names for n, task in enumerate(names)],
        "fct_loads": [{"cluster": name, "load_number": n, "load_kind": name, "observed_at": AS_OF,
                       "loaded_at": AS_OF, "row_count": 1} for n, name in enumerate(names)],
        "fct_failed_loads": [{"cluster": name, "failed_at": AS_OF - timedelta(hours=1),
                              "error_class": name, "message": name} for name in names],
        "fct_quarantined_batches": [{
            "cluster": name, "load_number": n, "table_name": name, "reason": name,
            "quarantine_path": name, "observed_at": AS_OF, "row_count": 1}
            for n, name in enumerate(names)],
        "agg_row_flags": [{"cluster": name, "model_name": name, "row_flag": name, "row_count": 1}
                          for name in names],
    }
