"""Who held a limit in a stretch of time: counted as on paper."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.panels.run_holders import Limit, holders, limit_of
from tests.views.snapshots import AS_OF


def at(seconds: int) -> datetime:
    return AS_OF + timedelta(seconds=seconds)


def held(task_id: str, queued: int | None, started: int | None, ended: int | None, slots: int = 1,
         pauses: tuple[tuple[int, int], ...] = ()) -> dict[str, Any]:
    return {"dag_id": "d", "run_id": "r", "task_id": task_id, "map_index": -1,
            "queued_at": None if queued is None else at(queued),
            "started_at": None if started is None else at(started),
            "ended_at": None if ended is None else at(ended), "pool_slot_count": slots,
            "pauses": [{"from_at": at(a), "until_at": at(b)} for a, b in pauses] or None}


def test_a_try_holds_from_queued_to_its_end_but_not_while_it_sleeps() -> None:
    found = holders([held("a", -5, 2, 20, 3), held("b", None, 4, None), held("c", 30, 31, 40),
                     held("s", 0, 0, 10, pauses=((2, 6), (8, 99))), held("n", None, None, None)],
                    at(0), at(10), has_slots=True)
    assert [(h.task_id, h.slot_seconds) for h in found] == [("a", 30), ("b", 6), ("s", 4)]
    tries = holders([held("a", -5, 2, 20, 3)], at(0), at(10), has_slots=False)
    assert tries[0].slot_seconds == 10


@given(st.lists(st.tuples(st.integers(-20, 40), st.integers(0, 30), st.integers(1, 3)),
                max_size=6))
def test_slot_seconds_count_like_an_array(tries: list[tuple[int, int, int]]) -> None:
    rows = [held("a", begin, begin, begin + length, slots) for begin, length, slots in tries]
    expected = sum(slots for begin, length, slots in tries
                   for t in range(begin, begin + length) if 0 <= t < 20)
    found = holders(rows, at(0), at(20), has_slots=True)
    assert sum(h.slot_seconds for h in found) == expected
    assert sum(h.count for h in found) <= len(rows)


@pytest.mark.parametrize(("limited_by", "is_within_run", "scope"), [
    ("pool:etl", False, ("etl", None, None, None)),
    ("max_active_tasks:d", False, (None, "d", None, None)),
    ("max_active_tasks:d", True, (None, "d", "r", None)),
    ("max_active_tis_per_dag:d.t", False, (None, "d", None, "t")),
    ("max_active_tis_per_dagrun:d.t", False, (None, "d", "r", "t")),
    ("parallelism:prod", False, (None, None, None, None)),
])
def test_which_tries_a_limit_counts(limited_by: str, is_within_run: bool,
                                    scope: tuple[str | None, ...]) -> None:
    limit = limit_of(limited_by)
    assert limit is not None
    found = limit.scope({"dag_id": "d", "run_id": "r"}, "t", is_within_run=is_within_run)
    assert tuple(found[k] for k in ("pool", "of_dag", "of_run", "of_task")) == scope
    assert limit.text == limited_by


def test_no_limit() -> None:
    assert limit_of(None) is None
    assert limit_of("pool:a:b") == Limit("pool", "a:b")
