"""From rows of the marts to a replay: gates, pauses, joints, and exactness on made-up histories."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.errors import WindsockError
from windsock.whatif_observed import JOINT, Observed, Rows, observed_run

T0 = datetime.fromisoformat("2001-03-04T02:00")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def attempt(task: str, begin: float, end: float | None, state: str = "success", index: int = -1,
            **changes: Any) -> dict[str, Any]:
    return {"task_id": task, "map_index": index, "state": state, "queued_at": None,
            "started_at": at(begin), "ended_at": None if end is None else at(end),
            "pauses": None} | changes


def rows_of(tries: Sequence[dict[str, Any]], edges: Sequence[tuple[str, str]], end: float,
            rules: dict[str, str] | None = None, **more: Any) -> Rows:
    """Instances follow from their last try."""
    last = {(t["task_id"], t["map_index"]): t for t in tries}
    instances = [{"task_id": task, "map_index": index, "state": t["state"],
                  "ended_at": t["ended_at"], "pool": "p", "pool_slot_count": 1, "has_run": True}
                 for (task, index), t in last.items()]
    tasks = sorted({task for task, _ in last} | {t for edge in edges for t in edge})
    return Rows(
        run={"state": "success", "started_at": T0, "path_ended_at": at(end)},
        instances=[*instances, *more.pop("idle", ())], attempts=tries,
        tasks=[{"task_id": t, "trigger_rule": (rules or {}).get(t), "depth_index": n,
                "mapped_task_group_id": None} for n, t in enumerate(tasks)],
        edges=[{"upstream_task_id": a, "downstream_task_id": b} for a, b in edges], **more)


def path(seen: Observed, factors: dict[str, float] | None = None) -> list[str]:
    found = seen.replay(factors or {}).instances.drop_nulls("new_path_number")
    return found.sort("new_path_number")["task_id"].to_list()


CHAIN = [attempt("a", 1, 11), attempt("b", 13, 43), attempt("c", 12, 22), attempt("d", 45, 50)]
EDGES = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


def test_the_path_and_its_replay() -> None:
    seen = observed_run(rows_of(CHAIN, EDGES, 52))
    assert path(seen) == ["a", "b", "d"]
    assert seen.replay({}).saved_seconds == 0
    assert seen.replay({"b": 0.1, "not there": 3}).saved_seconds == 21
    assert path(seen, {"b": 0.1}) == ["a", "c", "d"]


def test_without_a_structure_order_in_time_decides() -> None:
    seen = observed_run(rows_of(CHAIN, [], 52, has_structure=False))
    assert path(seen) == ["a", "b", "d"]
    known = observed_run(rows_of(CHAIN, [], 52))
    assert path(known) == ["d"]         # a structure without edges: nothing waits for anything


def test_pauses_before_retries_can_be_left_out() -> None:
    tries = [attempt("a", 0, 10, "failed"), attempt("a", 70, 90), attempt("b", 90, 100)]
    seen = observed_run(rows_of(tries, [("a", "b")], 100))
    assert dict(seen.retry_waits) == {("a", -1): 60}
    assert seen.replay({}, without_retry_waits=True).saved_seconds == 60
    assert seen.replay({"a": 0.5}).saved_seconds == 15
    assert seen.replay({"a": 0.5}, without_retry_waits=True).saved_seconds == 75


def test_rules_that_wait_for_the_earliest_or_for_nothing() -> None:
    tries = [attempt("fast", 0, 5), attempt("slow", 0, 50), attempt("x", 60, 70)]
    edges = [("fast", "x"), ("slow", "x")]
    for rule, saved in (("one_success", 4), ("always", 0), ("all_done", 0)):
        seen = observed_run(rows_of(tries, edges, 70, {"x": rule}))
        assert seen.replay({"fast": 0.2}).saved_seconds == saved, rule


def test_what_never_ran_is_walked_through_and_what_never_ended_left_out() -> None:
    idle = [{"task_id": "skip", "map_index": -1, "state": "skipped", "ended_at": at(10),
             "pool": None, "pool_slot_count": None, "has_run": False},
            {"task_id": "later", "map_index": -1, "state": None, "ended_at": None, "pool": None,
             "pool_slot_count": None, "has_run": False}]
    tries = [attempt("a", 0, 10), attempt("z", 12, 20)]
    seen = observed_run(rows_of(tries, [("a", "skip"), ("skip", "z"), ("z", "later")], 20,
                                {"z": "none_failed"}, idle=idle))
    assert path(seen) == ["a", "z"]
    assert seen.replay({"a": 0}).saved_seconds == 10
    assert "later" not in seen.run.instances["task_id"]


def test_indices_wait_for_a_joint_of_the_others() -> None:
    tries = [attempt("m", 0, 10 + n, index=n) for n in range(30)] + [
        attempt("w", 40, 50 + n, index=n) for n in range(30)]
    seen = observed_run(rows_of(tries, [("m", "w")], 80))
    assert seen.run.edges.height == 60      # and not 900
    assert (seen.run.instances["map_index"] == JOINT).sum() == 1
    assert seen.replay({"m": 0.5}).saved_seconds == 19.5
    assert path(seen)[-1] == "w"


def test_what_another_run_held_back_stays_held() -> None:
    step = {"task_id": "b", "map_index": -1, "ready_at": at(11), "gated_by_run_id": "before",
            "past_run_wait_seconds": 1.5}
    seen = observed_run(rows_of(CHAIN[:2], [("a", "b")], 43, steps=[step]))
    assert path(seen) == ["b"]
    assert seen.replay({"a": 0.5}).saved_seconds == 0


ONE_SLOT = [attempt("x", 1, 11), attempt("y", 12, 22), attempt("z", 23, 33)]


def test_a_pool_with_more_slots() -> None:
    pools = pl.DataFrame({"pool": ["p"], "slot_count": [1]})
    seen = observed_run(rows_of(ONE_SLOT, [], 33, pools=pools))
    assert seen.replay({}, pool_sizes={}).saved_seconds == 0
    assert seen.replay({}, pool_sizes={"p": 1}).saved_seconds == 0
    assert seen.replay({}, pool_sizes={"p": 2}).saved_seconds == 11
    assert seen.replay({}, pool_sizes={"p": 3}).saved_seconds == 22
    for wrong in ({"p": 0}, {"elsewhere": 4}):
        with pytest.raises(WindsockError, match="slots"):
            seen.replay({}, pool_sizes=wrong)


def test_what_gave_its_slot_back_holds_no_pool() -> None:
    pauses = [{"pause_kind": "deferred", "from_at": at(2), "until_at": at(9)}]
    tries = [attempt("x", 1, 11, pauses=pauses), attempt("y", 12, 22)]
    assert observed_run(rows_of(tries, [], 22)).run.instances["pool"].to_list() == [None, "p"]


histories = st.lists(st.tuples(
    st.sampled_from("abcdef"), st.integers(-1, 2), st.integers(-5, 60), st.integers(0, 30),
    st.sampled_from(["success", "failed", "skipped"])), min_size=1, max_size=12)
graphs = st.sets(st.sampled_from(
    [(a, b) for a in "abcdef" for b in "abcdef" if a < b]), max_size=10)


@given(histories, graphs, st.integers(0, 70), st.booleans())
@settings(max_examples=300, deadline=None)
def test_unchanged_it_ends_when_it_did(
        tries: list[tuple[str, int, int, int, str]], edges: set[tuple[str, str]], end: int,
        has_structure: bool) -> None:
    attempts = [attempt(task, begin, begin + length, state, index)
                for task, index, begin, length, state in sorted(tries, key=lambda t: t[2])]
    pools = pl.DataFrame({"pool": ["p"], "slot_count": [2]})
    seen = observed_run(rows_of(attempts, sorted(edges), end, {"c": "one_success"}, pools=pools,
                                has_structure=has_structure))
    found = seen.replay({})
    assert found.saved_seconds == 0
    assert found.ended_at == at(end)
    assert found.instances.select("started_at", "ended_at").equals(
        found.instances.select(started_at="new_started_at", ended_at="new_ended_at"))
    less = seen.replay(dict.fromkeys("abcdef", 1.0), without_retry_waits=True)
    assert less.saved_seconds >= 0 or seen.retry_waits
