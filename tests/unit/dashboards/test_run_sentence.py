"""The sentence of a run, in each of its states."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.markup import Markup, write
from dashboards.panels import run_sentence, run_terms
from dashboards.panels.run_sentence import Told
from tests.unit.dashboards.test_run_terms import run_of, steps
from tests.views.snapshots import AS_OF, hostile_names

USUAL = {"basis_kind": "latest_30", "sample_count": 30, "median_seconds": 4500.0}


def link(task_id: str, map_index: int) -> Markup:
    return write("<a>{name}</a>", name=task_id if map_index < 0 else f"{task_id} [{map_index}]")


def moment(at: datetime | None) -> Markup:
    return write("{text}", text="an unknown time" if at is None else f"{at:%H:%M}")


def told(*taken: tuple[str, dict[str, Any]], tail: float = 0, limits: tuple[str, ...] = (),
         state: str = "success", is_open: bool = False, **more: Any) -> Told:
    run, rows = run_of(list(taken), tail)
    for row, limit in zip(rows, limits, strict=False):
        row["limited_by"] = limit
    found = run_terms.slices(run, rows)
    as_of = run["ended_at"]
    run |= {"state": state, "queued_at": None, "ended_at": None if is_open else as_of}
    return Told(run=run, slices=found, as_of=as_of, task=link, moment=moment, **more)


def text(one: Told) -> str:
    return unescape(re.sub(r"<[^>]*>", "", run_sentence.sentence(one)))


def test_the_issue_s_own_example() -> None:
    one = told(("ready", {"running_seconds": 3000.0}),
               ("spark_join", {"limit_wait_seconds": 3986.0, "running_seconds": 11040.0}),
               limits=("", "pool:etl"), usual=USUAL, records={"spark_join": 2520.0},
               usual_tasks={"ready": USUAL | {"median_seconds": 2900.0}}, tail=94.0)
    assert text(one) == (
        "Took 5 h 02 m, usually 1 h 15 m (median of 30): 61 % spark_join running (3 h 04 m, its "
        "max so far was 42 m 00 s), 22 % waiting for pool etl (1 h 06 m), 17 % ready running "
        "(50 m 00 s, usually 48 m 20 s).")


@pytest.mark.parametrize(("term", "words"), [
    ("past_run_wait_seconds", "b waiting for the run before this one"),
    ("external_wait_seconds", "b waiting for the world"),
    ("deferred_seconds", "b deferred"),
    ("retry_wait_seconds", "b waiting for its next try"),
    ("scheduler_wait_seconds", "waiting for the scheduler"),
    ("startup_wait_seconds", "waiting for workers to start"),
    ("limit_wait_seconds", "waiting for a limit"),
])
def test_every_term_has_words(term: str, words: str) -> None:
    one = told(("a", {"running_seconds": 10.0}), ("b", {term: 90.0}))
    assert f": 90 % {words} (1 m 30 s), 10 % a running (10 s)." in text(one)


def test_lead_tail_and_what_is_not_told_apart() -> None:
    one = told(("a", {"scheduler_wait_seconds": 30.0, "running_seconds": 10.0}), tail=60.0)
    assert text(one).endswith(
        ": 60 % after its last task (1 m 00 s), 30 % before its first task began (30 s, mostly "
        "waiting for the scheduler), 10 % a running (10 s).")
    run, rows = run_of([("a", {"running_seconds": 1.0}), ("b", {"scheduler_wait_seconds": 9.0})],
                       0)
    rows[1]["scheduler_wait_seconds"] = None
    found = run_terms.slices(run, rows)
    one = Told(run=run | {"state": "success"}, slices=found, as_of=AS_OF, task=link,
               moment=moment)
    assert "90 % between tasks, for a cause that is not recorded (9 s)" in text(one)
    assert text(told(tail=9.0)).endswith(": 100 % without any task of it running (9 s).")


def test_what_a_sensor_waited_for_and_limits_by_kind() -> None:
    one = told(("a", {"running_seconds": 1.0}), ("s", {"external_wait_seconds": 50.0}),
               ("b", {"limit_wait_seconds": 49.0}), limits=("", "", "max_active_tasks:d"),
               awaited={("s", -1): write("<a>{dag}</a>", dag="sales")})
    assert "50 % s waiting for sales (50 s), 49 % waiting for max_active_tasks of d" in text(one)


def test_small_terms_are_counted_together() -> None:
    one = told(("a", {"running_seconds": 96.0}), ("b", {"running_seconds": 2.0}),
               ("c", {"running_seconds": 2.0}))
    assert text(one).endswith(": 96 % a running (1 m 36 s), 4 % in smaller parts.")


def test_what_a_median_is_of() -> None:
    monday = USUAL | {"basis_kind": "same_weekday", "sample_count": 9}
    assert "(median of 9 of the same weekday)" in text(told(tail=1, usual=monday))
    for nothing in ({}, USUAL | {"sample_count": 0}, USUAL | {"median_seconds": None}):
        assert "(no earlier success to compare with)" in text(told(tail=1, usual=nothing))


def test_a_run_that_took_no_time_has_no_reasons() -> None:
    assert text(told(usual=USUAL)) == "Took 0 s, usually 1 h 15 m (median of 30)."


def failed(task_id: str, map_index: int = -1, tries: int = 2) -> dict[str, Any]:
    return {"task_id": task_id, "map_index": map_index, "state": "failed", "try_count": tries,
            "started_at": AS_OF}


def test_a_failed_run() -> None:
    one = told(("a", {"running_seconds": 60.0}), state="failed", failed=[failed("a")],
               states={"failed": 1, "upstream_failed": 3})
    assert text(one) == (
        "Failed after 1 m 00 s (no earlier success to compare with): a failed after 2 tries and "
        "stopped 3 tasks behind it. Its time: 100 % a running (1 m 00 s).")
    many = told(state="failed", failed=[failed("a", n) for n in range(50)],
                states={"failed": 80})
    assert "a [0], a [1], a [2] and 77 more failed and stopped no other task." in text(many)
    assert "no task of it is in state failed" in text(told(state="failed", tail=1))


def open_row(task_id: str, state: str, minutes: float = 8) -> dict[str, Any]:
    return {"task_id": task_id, "map_index": -1, "state": state, "try_count": 1,
            "started_at": AS_OF - timedelta(minutes=minutes)}


def test_a_running_run() -> None:
    one = told(("x", {"running_seconds": 60.0}), state="running", is_open=True, tail=20.0,
               unfinished=[open_row("y", "deferred", 2), open_row("x", "running"),
                           open_row("q", "queued")],
               usual_tasks={"x": USUAL | {"median_seconds": 300.0}})
    assert text(one).startswith(
        "Running for 1 m 20 s (no earlier success to compare with); now in x and 1 more since "
        "11:52 (9 m 20 s), its usual 5 m 00 s. So far: 75 % x running (1 m 00 s, usually 5 m 00 s)"
        ", 25 % since its last task ended (20 s).")
    waiting = told(state="running", is_open=True, unfinished=[
        open_row("a", "queued"), open_row("b", "up_for_retry"), open_row("c", "queued")])
    assert "no task of it runs now: 2 queued, 1 waiting for a retry." in text(waiting)
    assert text(told(state="running", is_open=True)).endswith("no task of it runs now.")


def test_a_run_that_has_not_started() -> None:
    base = told(state="queued", is_open=True)
    queued = {**base.run, "started_at": None, "queued_at": AS_OF - timedelta(minutes=5)}
    one = Told(run=queued, slices=(), as_of=AS_OF, task=link, moment=moment)
    assert text(one) == "Queued since 11:55 (5 m 00 s), not started yet."
    why = Told(run=queued, slices=(), as_of=AS_OF, task=link, moment=moment,
               why_queued=write("its DAG is paused"))
    assert text(why).endswith("not started yet: its DAG is paused.")
    unseen = Told(run={**queued, "state": None, "queued_at": None}, slices=(), as_of=AS_OF,
                  task=link, moment=moment)
    assert text(unseen) == "Made, without a state, since an unknown time, not started yet."
    marked = Told(run={**queued, "ended_at": AS_OF}, slices=(), as_of=AS_OF, task=link,
                  moment=moment)
    assert "without having started: somebody set its state" in text(marked)


@given(steps, st.integers(0, 10**10))
def test_shares_of_the_sentence_never_exceed_the_whole(
        taken: list[tuple[str, dict[str, Any]]], tail: int) -> None:
    said = text(told(*taken, tail=tail / 1_000_000))
    points = [int(p) for p in re.findall(r"(\d+) % ", said)]
    assert sum(points) <= 100
    if points and "<1 %" not in said:
        assert sum(points) >= 99 or "in smaller parts" not in said


@pytest.mark.parametrize("name", hostile_names())
def test_names_of_strangers_are_escaped(name: str) -> None:
    one = told((name, {"limit_wait_seconds": 5.0, "running_seconds": 6.0}), limits=(f"pool:{name}",
               ), state="failed", failed=[failed(name)])
    html = run_sentence.sentence(one)
    assert not re.search(r"<(img|script|b>bold)", html)
