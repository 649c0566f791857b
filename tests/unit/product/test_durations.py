"""The statistics of durations, in SQL, against plain Python on random histories.

Both are written from `docs/statistics.md`. The models' own text is run, without dbt around it.
"""

import random
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import numpy as np
import polars as pl
import pytest
import yaml

MODELS = Path(__file__).parents[3] / "models" / "intermediate" / "durations"
EPOCH = datetime.fromisoformat("2026-01-05T00:00:00")  # a Monday
RUNS = "cluster, dag_id, run_id, run_kind, state, started_at, duration_seconds, was_rerun"
INSTANCES = (
    "cluster, dag_id, run_id, task_id, map_index, run_kind, state, try_count, run_started_at, "
    "started_at, duration_seconds, has_run, was_rerun, was_marked_success, was_lost"
)
Row = dict[str, Any]


def sql_of(model: str) -> str:
    """A model's SQL with the names of tables for its references."""
    text = (MODELS / f"{model}.sql").read_text()
    template = jinja2.Environment(autoescape=True).from_string(text)
    project = yaml.safe_load((MODELS.parents[2] / "dbt_project.yml").read_text())
    return template.render(
        ref=lambda name: name, config=lambda **_: "", var=project["vars"].__getitem__
    )


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute(
            "create table fct_dag_runs (cluster text, dag_id text, run_id text, run_kind text, "
            "state text, started_at timestamp, duration_seconds double, was_rerun boolean)"
        )
        connection.execute(
            "create table fct_task_instances (cluster text, dag_id text, run_id text, "
            "task_id text, map_index bigint, run_kind text, state text, try_count bigint, "
            "run_started_at timestamp, started_at timestamp, duration_seconds double, "
            "has_run boolean, was_rerun boolean, was_marked_success boolean, was_lost boolean)"
        )
        connection.execute("create table int_changes__dags (cluster text, dag_id text)")
        yield connection


def measure(
    con: duckdb.DuckDBPyConnection, runs: list[Row], instances: list[Row]
) -> dict[Any, Row]:
    """Rows of int_durations__statistics by DAG and task (None: the whole run)."""
    for table, columns, rows in (("fct_dag_runs", RUNS, runs),
                                 ("fct_task_instances", INSTANCES, instances)):  # fmt: skip
        if rows:
            frame = pl.DataFrame(rows, infer_schema_length=None)
            con.register("arriving", frame)
            con.execute(f"insert into {table} ({columns}) select {columns} from arriving")
            con.unregister("arriving")
    con.execute("insert into int_changes__dags select distinct cluster, dag_id from fct_dag_runs")
    for model in ("samples", "patterns", "statistics"):
        kind = "view" if model == "samples" else "table"
        con.execute(f"create {kind} int_durations__{model} as {sql_of(f'int_durations__{model}')}")
    found = con.sql("select * from int_durations__statistics")
    names = found.columns
    rows_found = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    keyed = {(row["dag_id"], row["task_id"]): row for row in rows_found}
    assert len(keyed) == len(rows_found)
    return keyed


# --- the oracle ----------------------------------------------------------------------------------


def left_out(row: Row) -> str | None:
    if row["run_kind"] == "backfill":
        return "backfill"
    if row["was_rerun"]:
        return "rerun"
    if row["was_marked_success"] or not row["has_run"]:
        return "marked"
    return "lost" if row["was_lost"] else None


def samples_of(runs: list[Row], instances: list[Row]) -> dict[Any, list[Row]]:
    """Successes by DAG and task."""
    found: dict[Any, list[Row]] = defaultdict(list)
    mapped: dict[Any, list[Row]] = defaultdict(list)
    for row in instances:
        if row["map_index"] >= 0:
            mapped[row["dag_id"], row["task_id"], row["run_id"]].append(row)
        elif row["state"] == "success" and row["duration_seconds"] is not None:
            found[row["dag_id"], row["task_id"]].append({**row, "spread": None})
    for (dag_id, task_id, _), indices in mapped.items():
        ran = [x for x in indices if x["state"] not in ("skipped", "removed")]
        seconds = [x["duration_seconds"] for x in ran if x["duration_seconds"] is not None]
        if seconds and all(x["state"] == "success" for x in ran):
            slowest = {
                **ran[0],
                "duration_seconds": max(seconds),
                "spread": max(seconds) - min(seconds),
                "try_count": max(x["try_count"] for x in ran),
                "was_marked_success": any(x["was_marked_success"] for x in ran),
                "was_lost": any(x["was_lost"] for x in ran),
                "has_run": all(x["has_run"] for x in ran),
            }
            found[dag_id, task_id].append(slowest)
    for run in runs:
        if run["state"] == "success" and run["duration_seconds"] is not None:
            whole = {"run_started_at": run["started_at"], "try_count": None, "spread": None}
            never = {"was_marked_success": False, "was_lost": False, "has_run": True}
            found[run["dag_id"], None].append({**run, **whole, **never})
    return found


def deviation(values: list[float]) -> float:
    middle = statistics.median(values)
    return statistics.median(abs(x - middle) for x in values)


def bucket_of(kind: str, instant: datetime) -> int:
    return instant.isoweekday() if kind == "same_weekday" else instant.hour


def basis_of(measured: list[Row], newest: datetime) -> tuple[str, list[Row]]:
    """The kind of basis and its candidates."""
    recent = [x for x in measured if 0 <= (newest.date() - x["run_started_at"].date()).days < 70]
    contrasts = []
    for kind in ("same_weekday", "same_hour"):
        buckets: dict[int, list[Row]] = defaultdict(list)
        for x in recent:
            buckets[bucket_of(kind, x["run_started_at"])].append(x)
        full = {
            number: [x["duration_seconds"] for x in rows]
            for number, rows in buckets.items()
            if len({x["run_started_at"].date() for x in rows}) >= 7
        }
        if bucket_of(kind, newest) not in full:
            continue
        medians = [statistics.median(values) for values in full.values()]
        noise = statistics.median(deviation(values) for values in full.values())
        scale = max(1.4826 * noise, 0.05 * statistics.median(medians), 1.0)
        gap = max(medians) - min(medians)
        if gap >= 3.5 * scale and gap >= 0.2 * min(medians):
            contrasts.append((gap / scale, kind))
    if not contrasts:
        return "latest_30", measured
    kind = max(contrasts)[1]
    return kind, [
        x for x in measured if bucket_of(kind, x["run_started_at"]) == bucket_of(kind, newest)
    ]


def expected(runs: list[Row], instances: list[Row]) -> dict[Any, Row]:
    found = {}
    for (dag_id, task_id), successes in samples_of(runs, instances).items():
        newest = max(
            r["started_at"] for r in runs if r["dag_id"] == dag_id and r["run_kind"] != "backfill"
        )
        kinds = [left_out(x) for x in successes]
        measured = [x for x, kind in zip(successes, kinds, strict=True) if kind is None]
        basis_kind, candidates = basis_of(measured, newest)
        latest = sorted(candidates, key=lambda x: (x["run_started_at"], x["run_id"]))[-30:]
        seconds = [x["duration_seconds"] for x in latest]
        spreads = [x["spread"] for x in latest if x["spread"] is not None]
        row: Row = {
            "basis_kind": basis_kind,
            "sample_count": len(latest),
            "manual_count": sum(x["run_kind"] == "manual" for x in latest),
            **{f"{k}_count": kinds.count(k) for k in ("backfill", "rerun", "marked", "lost")},
        }
        if latest:
            row |= {
                "oldest_sample_at": latest[0]["run_started_at"],
                "newest_sample_at": latest[-1]["run_started_at"],
                "min_seconds": min(seconds),
                "mean_seconds": statistics.fmean(seconds),
                "median_seconds": statistics.median(seconds),
                "p95_seconds": float(np.quantile(seconds, 0.95)),
                "max_seconds": max(seconds),
                "mad_seconds": deviation(seconds),
                "spread_median_seconds": statistics.median(spreads) if spreads else None,
            }
            row["try_mean_count"] = (
                statistics.fmean(x["try_count"] for x in latest) if task_id else None
            )
        found[dag_id, task_id] = row
    return found


# --- random histories ----------------------------------------------------------------------------


def history(rng: random.Random) -> tuple[list[Row], list[Row]]:
    """A few DAGs; some follow the weekday, some the hour, some nothing."""
    runs, instances = [], []
    for number in range(3):
        step = rng.choice([3, 8, 24, 24])  # hours
        slow = rng.choice([None, "weekday", "hour"])
        for k in range(rng.choice([5, 40, 90, 260])):
            # Minutes in steps of 30, so that two runs may start at one instant.
            started = EPOCH + timedelta(hours=step * k, minutes=rng.choice([0, 0, 30]))
            is_slow = slow and (started.weekday() > 4 if slow == "weekday" else started.hour < 9)
            kind = rng.choices(["scheduled", "manual", "backfill", None], [90, 5, 4, 1])[0]
            run = {
                "cluster": "c", "dag_id": f"d{number}", "run_id": f"r{rng.randrange(10**6):06}",
                "run_kind": kind, "state": rng.choices(["success", "failed", None], [9, 1, 1])[0],
                "started_at": started, "was_rerun": rng.random() < 0.05,
                "duration_seconds": rng.choice([None, *[round(rng.uniform(50, 60), 6)] * 20]),
            }  # fmt: skip
            runs.append(run)
            shared = {x: run[x] for x in ("cluster", "dag_id", "run_id", "run_kind", "was_rerun")}
            for task, index in (("plain", -1), ("map", 0), ("map", 1), ("map", 2)):
                usual = rng.gauss(100, 4) * (1.6 if is_slow and task == "plain" else 1)
                instances.append({
                    **shared, "task_id": task, "map_index": index,
                    "state": rng.choices(["success", "failed", "skipped", "removed", None],
                                         [90, 2, 4, 1, 1])[0],
                    "try_count": rng.choice([1, 1, 2]), "run_started_at": started,
                    "started_at": started, "has_run": rng.random() < 0.98,
                    "was_lost": rng.random() < 0.03,
                    "was_marked_success": rng.choice([None, False, False, rng.random() < 0.1]),
                    "duration_seconds": rng.choices([round(usual, 6), None], [50, 1])[0],
                })  # fmt: skip
    return runs, instances


@pytest.mark.parametrize("seed", range(12))
def test_sql_equals_plain_python(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    runs, instances = history(random.Random(seed))  # noqa: S311
    found, wanted = measure(con, runs, instances), expected(runs, instances)
    assert set(found) == set(wanted)
    for thing, row in wanted.items():
        for column, value in row.items():
            if column.endswith("_seconds") or column == "try_mean_count":
                value = value if value is None else pytest.approx(value, abs=1e-6)
            assert found[thing][column] == value, (thing, column)


def test_the_random_histories_reach_every_basis() -> None:
    kinds = set()
    for seed in range(12):
        kinds |= {row["basis_kind"] for row in expected(*history(random.Random(seed))).values()}  # noqa: S311
    assert kinds == {"latest_30", "same_weekday", "same_hour"}


def test_noise_makes_no_pattern(con: duckdb.DuckDBPyConnection) -> None:
    # 200 tasks of an hourly run whose durations vary by a third, without any pattern.
    con.execute(
        "insert into fct_dag_runs select 'c', 'd', 'r' || k, 'scheduled', 'success', "
        f"timestamp '{EPOCH}' + to_hours(k), 60, false from range(1680) as t(k)"
    )
    con.execute("select setseed(0.5)")
    con.execute(
        f"insert into fct_task_instances ({INSTANCES}) "
        "select cluster, dag_id, run_id, 't' || n, -1, run_kind, state, 1, started_at, "
        "started_at, 300 * exp(random() - 0.5), true, false, false, false "
        "from fct_dag_runs, range(200) as t(n)"
    )
    found = measure(con, [], [])
    assert len(found) == 201
    assert {row["basis_kind"] for row in found.values()} == {"latest_30"}
