"""Slices of a run fill it exactly; shares never say more than everything."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.panels import run_compare, run_path, run_terms
from tests.views.run_rows import path
from tests.views.snapshots import AS_OF

MICRO = 1_000_000
_TERMS = ["past_run_wait_seconds", "limit_wait_seconds", "scheduler_wait_seconds",
          "startup_wait_seconds", "external_wait_seconds", "deferred_seconds",
          "retry_wait_seconds", "running_seconds"]
lengths = st.integers(0, 10**11).map(lambda micro: micro / MICRO)
steps = st.lists(st.tuples(
    st.sampled_from(["extract", "load", "done"]),
    st.dictionaries(st.sampled_from(_TERMS), lengths)), max_size=6)


def run_of(taken: list[tuple[str, dict[str, Any]]], tail: float) -> tuple[dict[str, Any], list[
        dict[str, Any]]]:
    """A run that its path and a tail fill."""
    whole = sum(round(v * MICRO) for _, terms in taken for v in terms.values())
    ended = AS_OF + timedelta(microseconds=whole + round(tail * MICRO))
    return ({"started_at": AS_OF, "ended_at": ended, "path_ended_at": ended},
            path(AS_OF, *taken))


@given(steps, lengths)
def test_slices_lie_end_to_end_and_fill_the_run(
        taken: list[tuple[str, dict[str, Any]]], tail: float) -> None:
    run, rows = run_of(taken, tail)
    found = run_terms.slices(run, rows)
    at = 0
    for one in found:
        assert one.begin == at
        assert one.length > 0
        at += one.length
    assert at == run_terms.wall(run)
    pieces = run_terms.parts(found)
    assert sum(p.length for p in pieces) == run_terms.wall(run)
    assert len({(p.key, p.limited_by) for p in pieces}) == len(pieces)
    assert run_terms.work(found) * MICRO == pytest.approx(
        sum(round(t.get("running_seconds", 0) * MICRO) for _, t in taken), abs=1)


@given(steps, lengths, steps, lengths)
def test_rows_of_a_comparison_add_up_to_the_difference(
        mine: list[tuple[str, dict[str, Any]]], my_tail: float,
        other: list[tuple[str, dict[str, Any]]], other_tail: float) -> None:
    first, second = run_of(mine, my_tail), run_of(other, other_tail)
    rows = run_compare.differences(run_terms.slices(*first), run_terms.slices(*second))
    assert sum(d.contribution for d in rows) == (
        run_terms.wall(first[0]) - run_terms.wall(second[0]))
    assert len({(d.name, d.is_task) for d in rows}) == len(rows)


@given(st.lists(st.integers(0, 10**12), max_size=6), st.integers(0, 10**12))
def test_shares_and_the_rest_are_exactly_a_hundred(parts: list[int], rest: int) -> None:
    total = sum(parts) + rest
    found = run_terms.shares(parts, total)
    assert sum(found) <= 100
    for part, points in zip(parts, found, strict=True):
        assert not total or abs(points - 100 * part / total) < 1
    if total and not rest:
        assert sum(found) == 100


def test_what_is_left_of_a_handoff_is_a_wait_without_a_cause() -> None:
    run, rows = run_of([("a", {"scheduler_wait_seconds": 4.0, "running_seconds": 6.0})], 0)
    rows[0] |= {"scheduler_wait_seconds": None, "startup_wait_seconds": 1.0}
    assert [(s.term, s.seconds, s.is_lead) for s in run_terms.slices(run, rows)] == [
        ("startup", 1.0, True), ("handoff", 3.0, True), ("running", 6.0, False)]


def test_a_run_in_which_nothing_ran_is_idle() -> None:
    run, _ = run_of([], 5.0)
    [one] = run_terms.slices(run, [])
    assert (one.term, one.seconds) == ("idle", 5.0)
    assert run_terms.slices(run | {"started_at": None}, []) == []
    assert run_path.bar([]) == ""


def test_waits_for_each_limit_are_a_part_of_their_own() -> None:
    run, rows = run_of([("a", {"limit_wait_seconds": 1.0, "running_seconds": 1.0}),
                        ("b", {"limit_wait_seconds": 2.0}), ("c", {"limit_wait_seconds": 3.0})], 0)
    for row, limit in zip(rows, ("pool:x", "pool:etl", "max_active_tasks:d"), strict=True):
        row["limited_by"] = limit
    assert [(p.word, p.seconds, p.of_limits) for p in run_terms.parts(
        run_terms.slices(run, rows))] == [
        ("lead", 1.0, MICRO), ("running", 1.0, 0), ("waiting for max_active_tasks d", 3.0, 0),
        ("waiting for pool etl", 2.0, 0)]


def test_signs_of_differences() -> None:
    assert [run_compare.signed(x) for x in (0, 4 * MICRO, -130 * MICRO)] == [
        "0 s", "+4 s", "\N{MINUS SIGN}2 m 10 s"]
