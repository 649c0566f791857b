"""What got slower this week, in SQL, against plain Python on random weeks.

    random runs and steps  ->  int_durations__{compared_runs,slowdowns,slower_tasks}, the mart
                           ->  the same from the words of agg_dag_slowdowns.yml, in fractions

The models' own text is run, without dbt around it.
"""

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import numpy as np
import polars as pl
import pytest

MODELS = Path(__file__).parents[3] / "models"
NOW = datetime.fromisoformat("2026-03-01T12:00:00")
SEEDS = range(8)
PARTS = {
    "own": ("running", "retry_wait", "deferred"),
    "waiting": ("lead", "handoff", "tail"),
    "external": ("external_wait",),
}
WAITS = ("past_run_wait", "limit_wait", "scheduler_wait", "startup_wait")
Row = dict[str, Any]


def sql_of(path: str) -> str:
    """A model's SQL with the names of tables for its references."""
    template = jinja2.Environment(autoescape=True).from_string((MODELS / path).read_text())
    return template.render(ref=lambda name: name, config=lambda **_: "")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute("create table int_changes__clusters as select * from (values "
                           f"('c', timestamp '{NOW}'), ('frozen', timestamp '{NOW}' "
                           "- interval 3 years)) as t (cluster, observed_at)")
        yield connection


def measure(con: duckdb.DuckDBPyConnection, runs: list[Row], steps: list[Row]) -> dict[Any, Row]:
    """Rows of agg_dag_slowdowns by cluster and DAG."""
    for table, given in (("fct_dag_runs", runs), ("fct_critical_path_steps", steps)):
        con.register("arriving", pl.DataFrame(given, infer_schema_length=None))
        con.execute(f"create table {table} as from arriving")
        con.unregister("arriving")
    folder = "intermediate/durations/int_durations__"
    for name in ("compared_runs", "slowdowns", "slower_tasks"):
        con.execute(f"create table int_durations__{name} as {sql_of(f'{folder}{name}.sql')}")
    found = con.execute(sql_of("marts/performance/agg_dag_slowdowns.sql"))
    names = [d[0] for d in found.description]
    rows = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    keyed = {(row["cluster"], row["dag_id"]): row for row in rows}
    assert len(keyed) == len(rows)
    return keyed


# --- the oracle ----------------------------------------------------------------------------------


def exact(seconds: float) -> Fraction:
    return Fraction(round(seconds * 1_000_000), 1_000_000)


def mean(values: list[float]) -> Fraction:
    return sum(map(exact, values), Fraction(0)) / len(values)


def part(run: Row, name: str) -> float | None:
    """Seconds of one of the four parts of a run's landing time."""
    if name != "inherited":
        return float(sum(exact(run[f"{term}_seconds"]) for term in PARTS[name]))
    known = [run["run_queued_seconds"]]
    known += [run["created_late_seconds"]] if run["run_kind"] == "scheduled" else []
    return None if None in known else sum(known)


def is_anomaly(recent: list[float], before: list[float]) -> bool:
    """The rule of definitions.md, the median of this week for the tested run."""
    if not (recent and before):
        return False
    middle = statistics.median(before)
    deviation = statistics.median(abs(x - middle) for x in before)
    growth = statistics.median(recent) - middle
    scale = max(1.4826 * deviation, 0.05 * middle, 1)
    return growth / scale >= 3.5 and growth >= 0.2 * middle and growth >= 30


def kind_of(growths: dict[str, float], is_slower: bool, is_later: bool) -> str:
    if not (is_slower or is_later):
        return "not_slower"
    names = ["own", "waiting", "external", *(["inherited"] if is_later else [])]
    return max(names, key=lambda name: growths[name])   # of equals the first


def terms_of(step: Row) -> dict[str, Fraction]:
    terms = {t: exact(step[f"{t}_seconds"] or 0)
             for t in ("running", "retry_wait", "deferred", "external_wait", *WAITS)}
    told = sum(terms[t] for t in WAITS)
    return terms | {"handoff": exact(step["handoff_seconds"]) - told}


def main_of(steps: list[Row], recent: set[str], before: set[str]) -> tuple[Any, ...]:
    """Task, term, limit and seconds of what grew most on the finish path."""
    growths: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    charged: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for step in steps:
        if step["path_kind"] != "finish" or step["run_id"] not in recent | before:
            continue
        is_recent = step["run_id"] in recent
        for term, seconds in terms_of(step).items():
            share = seconds / (len(recent) if is_recent else -len(before))
            growths[step["task_id"], term] += share
        if is_recent and step["limited_by"]:
            charged[step["task_id"]][step["limited_by"]] += terms_of(step)["limit_wait"]
    grown = [(-growth, *what) for what, growth in growths.items() if growth > 0]
    if not grown:
        return None, None, None, None
    growth, task_id, term = min(grown)
    limit = None
    if term == "limit_wait":
        limit = min((-seconds, name) for name, seconds in charged[task_id].items())[1]
    return task_id, term, limit, -growth


def expected_row(recent: list[Row], before: list[Row], steps: list[Row]) -> Row:
    sides = {}
    for side, runs in (("recent", recent), ("before", before)):
        sides[side] = {name: [x for r in runs if (x := part(r, name)) is not None]
                       for name in (*PARTS, "inherited")}
        sides[side]["run"] = [r["duration_seconds"] for r in runs]
        sides[side]["landing"] = [late + r["duration_seconds"] for r in runs
                                  if (late := part(r, "inherited")) is not None]
    this, that = sides["recent"], sides["before"]
    growths = {x: statistics.median(this[x]) - statistics.median(that[x])
               for x in this if this[x] and that[x]}
    is_slower, is_later = (is_anomaly(this[x], that[x]) for x in ("run", "landing"))
    row: Row = {"is_slower": is_slower, "is_later": is_later,
                "slower_kind": kind_of(growths, is_slower, is_later),
                "slower_seconds": growths["run"], "later_seconds": growths.get("landing"),
                "mean_slower_seconds": mean(this["run"]) - mean(that["run"])}
    for name in (*PARTS, "inherited"):
        row[f"{name}_slower_seconds"] = (
            mean(this[name]) - mean(that[name]) if this[name] and that[name] else None)
    for side, values in (("recent", this["run"]), ("before", that["run"])):
        row |= {f"{side}_run_count": len(values),
                f"{side}_median_seconds": statistics.median(values),
                f"{side}_p95_seconds": float(np.quantile(values, 0.95))}
    ids = [{r["run_id"] for r in runs} for runs in (recent, before)]
    main = (main_of(steps, *ids) if growths["run"] > 0 or is_later else (None,) * 4)
    names = ("main_task_id", "main_term", "main_limited_by", "main_slower_seconds")
    return row | dict(zip(names, main, strict=True))


def expected(runs: list[Row], steps: list[Row]) -> dict[Any, Row]:
    found = {}
    for key in {(r["cluster"], r["dag_id"]) for r in runs}:
        counted = [r for r in runs if (r["cluster"], r["dag_id"]) == key
                   and r["state"] == "success" and r["run_kind"] != "backfill"
                   and not r["was_rerun"] and r["ended_at"] is not None]
        now = NOW if key[0] == "c" else NOW.replace(year=NOW.year - 3)
        recent = [r for r in counted if r["ended_at"] > now - timedelta(days=7)]
        before = [r for r in counted
                  if timedelta(days=7) <= now - r["ended_at"] < timedelta(days=35)]
        if recent and before:
            own_steps = [s for s in steps if (s["cluster"], s["dag_id"]) == key]
            found[key] = expected_row(recent, before, own_steps)
    return found


# --- random weeks --------------------------------------------------------------------------------


def step_of(rng: random.Random, run: Row, task: str, growth: dict[str, float]) -> Row:
    """A step; whole tenths of a second, so that some terms grow alike."""
    waits = {t: rng.randrange(20) / 10 + growth.get(t, 0) for t in WAITS}
    is_split = rng.random() < 0.8
    limit = rng.choice(["pool:a", "pool:b"]) if is_split and waits["limit_wait"] else None
    shown = {f"{t}_seconds": waits[t] if is_split or t == "past_run_wait" else None for t in WAITS}
    return {
        "cluster": run["cluster"], "dag_id": run["dag_id"], "run_id": run["run_id"],
        "path_kind": rng.choices(["finish", "failure"], [9, 1])[0], "task_id": task,
        "limited_by": limit, "ended_at": run["ended_at"] or run["started_at"],
        "running_seconds": 100 + rng.randrange(100) / 10 + growth.get("running", 0),
        "handoff_seconds": sum(waits.values()) + rng.randrange(5) / 10,
        **{f"{t}_seconds": rng.choice([0.0, 0.0, 5.5]) + growth.get(t, 0)
           for t in ("retry_wait", "deferred", "external_wait")}, **shown,
    }  # fmt: skip


def run_of(rng: random.Random, names: tuple[str, str, int], tiles: Counter[str], late: float,
           ended_at: datetime) -> Row:
    cluster, dag_id, number = names
    kind = rng.choices(["scheduled", "asset", "manual", "backfill", None], [15, 2, 2, 1, 1])[0]
    seconds = float(sum(exact(x) for x in tiles.values()))
    return {
        "cluster": cluster, "dag_id": dag_id, "run_id": f"r{number}", "run_kind": kind,
        "state": rng.choices(["success", "failed"], [9, 1])[0], "was_rerun": rng.random() < 0.05,
        "started_at": ended_at - timedelta(seconds=seconds), "ended_at": ended_at,
        "duration_seconds": seconds, "run_queued_seconds": rng.choice([None, 2.25, 2.25, 2.25]),
        "created_late_seconds": late if kind == "scheduled" else None,
        **{f"{t}_seconds": float(tiles[t]) for terms in PARTS.values() for t in terms},
    }  # fmt: skip


def weeks(rng: random.Random) -> tuple[list[Row], list[Row]]:
    """A dozen DAGs; this week something of a task of most of them grows."""
    runs: list[Row] = []
    steps: list[Row] = []
    for number in range(12):
        cluster = rng.choice(["c", "c", "frozen"])
        now = NOW if cluster == "c" else NOW.replace(year=NOW.year - 3)
        grown = rng.choice(["running", "retry_wait", "limit_wait", "startup_wait", "external_wait",
                            "created_late", "nothing"])
        growth = rng.choice([20.0, 60.0, 300.0])
        for k in range(rng.choice([2, 12, 40, 80])):
            ended_at = now - timedelta(hours=12 * k)    # every seventh day: on a window's edge
            more = {grown: growth} if k < 14 else {}
            odd = {"running": 500.0} if rng.random() < 0.05 else {}
            place = {"cluster": cluster, "dag_id": f"d{number}", "run_id": f"r{k}",
                     "started_at": ended_at, "ended_at": ended_at}
            own = [step_of(rng, place, f"t{t}", more | odd if t == 1 else {}) for t in range(3)]
            tiles = Counter({"lead": 1.5, "tail": 0.3})
            for step in own:
                for term in ("running", "retry_wait", "deferred", "external_wait", "handoff"):
                    tiles[term] += step[f"{term}_seconds"]
            late = 7.123457 + more.get("created_late", 0)
            run = run_of(rng, (cluster, f"d{number}", k), tiles, late, ended_at)
            runs.append(run | ({"run_queued_seconds": None} if number == 0 else {}))
            steps += [step | {"started_at": run["started_at"]} for step in own]
    return runs, steps


@pytest.mark.parametrize("seed", SEEDS)
def test_sql_equals_plain_python(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    runs, steps = weeks(random.Random(seed))  # noqa: S311
    found, wanted = measure(con, runs, steps), expected(runs, steps)
    assert set(found) == set(wanted)
    for dag, row in wanted.items():
        for column, value in row.items():
            if column.endswith("_seconds") and value is not None:
                value = pytest.approx(float(value), abs=1e-6)
            assert found[dag][column] == value, (dag, column)
        shares = sum(found[dag][f"{p}_slower_seconds"] for p in PARTS)
        assert found[dag]["mean_slower_seconds"] == pytest.approx(shares, abs=1e-6)


def test_the_random_weeks_reach_every_answer() -> None:
    rows = [row for seed in SEEDS for row in expected(*weeks(random.Random(seed))).values()]  # noqa: S311
    assert {r["slower_kind"] for r in rows} == {*PARTS, "inherited", "not_slower"}
    assert {"running", "limit_wait", "external_wait", None} <= {r["main_term"] for r in rows}
    assert {r["main_limited_by"] for r in rows} >= {"pool:a", "pool:b", None}
    assert any(r["later_seconds"] is None for r in rows)
