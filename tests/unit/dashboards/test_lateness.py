"""What made a run late: two routes to its duration, and the step that is blamed."""

from typing import Any

import polars as pl
import pytest

from dashboards.panels import lateness

TERMS = ("lead", "running", "retry_wait", "deferred", "external_wait", "handoff", "tail")


def _run(run_id: str, *, state: str = "success", kind: str = "scheduled", rerun: bool = False,
         **seconds: float) -> dict[str, Any]:
    return {"run_id": run_id, "state": state, "run_kind": kind, "was_rerun": rerun,
            **{f"{name}_seconds": float(seconds.get(name, 0)) for name in TERMS}}


def _runs(*rows: dict[str, Any]) -> pl.DataFrame:
    return lateness.with_parts(pl.DataFrame(list(rows)))


def _steps(*rows: dict[str, Any]) -> pl.DataFrame:
    blank = {"map_index": -1, "limited_by": None, "handoff_seconds": 0.0, "running_seconds": 0.0,
             "external_wait_seconds": 0.0, "retry_wait_seconds": 0.0, "deferred_seconds": 0.0,
             "limit_wait_seconds": 0.0}
    return pl.DataFrame([blank | row for row in rows], schema_overrides={"limited_by": pl.String})


def test_the_parts_of_a_bar_add_up_to_the_terms_of_the_run() -> None:
    seconds = {name: float(2 ** n) for n, name in enumerate(TERMS)}
    [row] = _runs(_run("a", **seconds)).iter_rows(named=True)
    assert row["total"] == sum(seconds.values()) == 127
    assert sum(row[part] for part in lateness.PARTS) == row["total"]
    assert row["waiting"] == seconds["lead"] + seconds["handoff"] + seconds["tail"]
    every = [term for terms in lateness.PARTS.values() for term in terms]
    assert sorted(every) == sorted(f"{name}_seconds" for name in TERMS)


@pytest.mark.parametrize(("seconds", "usual", "is_long"), [
    (3600.0, {"median_seconds": 600.0, "mad_seconds": 10.0}, True),
    (610.0, {"median_seconds": 600.0, "mad_seconds": 1.0}, False),        # under a fifth longer
    (25.0, {"median_seconds": 5.0, "mad_seconds": 0.1}, False),           # under 30 s longer
    (900.0, {"median_seconds": 600.0, "mad_seconds": 100.0}, False),      # it varies like that
    (None, {"median_seconds": 600.0, "mad_seconds": 1.0}, False),
    (900.0, {}, False),
])
def test_long_is_the_anomaly_rule(seconds: float | None, usual: dict[str, float],
                                  is_long: bool) -> None:
    assert lateness.is_long(seconds, usual) is is_long


@pytest.mark.parametrize(("grown", "step", "part", "task"), [
    ({"running": 900}, {"running_seconds": 900.0}, "running", "b"),
    ({"running": 100, "handoff": 800}, {"handoff_seconds": 800.0}, "waiting", "b"),
    ({"running": 100, "external_wait": 800}, {"external_wait_seconds": 800.0}, "external_wait",
     "b"),
    ({"running": 100, "retry_wait": 800}, {"retry_wait_seconds": 800.0}, "retry_wait", "b"),
    ({"running": 100, "deferred": 800}, {"deferred_seconds": 800.0}, "deferred", "b"),
])
def test_the_step_behind_the_part_that_grew_most_is_blamed(
        grown: dict[str, float], step: dict[str, Any], part: str, task: str) -> None:
    runs = _runs(_run("late", **grown), *(_run(f"r{n}", running=100) for n in range(5)))
    found = lateness.culprit("late", runs, _steps({"task_id": "a", "running_seconds": 50.0},
                                                  {"task_id": "b"} | step), {"a": 50.0, "b": 50.0})
    assert found is not None
    assert (found.part, found.task_id) == (part, task)


def test_a_task_that_always_takes_long_is_not_blamed_for_running() -> None:
    runs = _runs(_run("late", running=1500), *(_run(f"r{n}", running=1000) for n in range(5)))
    found = lateness.culprit("late", runs, _steps(
        {"task_id": "always", "running_seconds": 900.0},
        {"task_id": "grew", "running_seconds": 600.0}), {"always": 900.0, "grew": 100.0})
    assert found is not None
    assert (found.task_id, found.usual_seconds) == ("grew", 100.0)


def test_what_cannot_be_compared_is_left_out() -> None:
    odd = [_run("b", kind="backfill", running=9000), _run("f", state="failed", running=9000),
           _run("c", rerun=True, running=9000)]
    runs = _runs(_run("late", running=900), _run("usual", running=100), *odd)
    steps = _steps({"task_id": "a", "running_seconds": 900.0})
    assert lateness.culprit("late", runs, steps, {"a": 100.0}) is not None
    assert lateness.culprit("usual", _runs(_run("usual", running=100), _run("x", running=200)),
                            steps, {}) is None
    assert lateness.culprit("nowhere", runs, steps, {}) is None
    assert lateness.culprit("late", runs, _steps({"task_id": "a"}).clear(), {}) is None
