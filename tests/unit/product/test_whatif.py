"""The replay of one run: exact without a change, and true to its model with one."""

import heapq
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.errors import WindsockError
from windsock.whatif import EDGE, SHAPE, Change, ObservedRun, WhatIf, what_if
from windsock.whatif_pools import Pool
from windsock.whatif_replay import Hold, Node, Replay

T0 = datetime(2026, 3, 1, 2, tzinfo=UTC).replace(tzinfo=None)  # as frames hold instants


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def run_of(
    tasks: dict[str, tuple[float, float, list[str]]],
    end: float,
    pools: dict[str, int] | None = None,
    **columns: dict[str, object],
) -> ObservedRun:
    """Tasks as (start, end, upstream tasks) in seconds; more columns by task."""
    defaults: dict[str, object] = {"gate_kind": "latest", "has_run": True}
    instances = [
        {
            "task_id": task,
            "map_index": -1,
            "started_at": at(started),
            "ended_at": at(ended),
            **{
                name: columns.get(name, {}).get(task, defaults.get(name))
                for name in SHAPE.names()[4:]
            },
        }
        for task, (started, ended, _) in tasks.items()
    ]
    edges = [(task, -1, up, -1) for task, (_, _, ups) in tasks.items() for up in ups]
    return ObservedRun(
        T0,
        at(end),
        pl.DataFrame(instances, schema=SHAPE),
        pl.DataFrame(edges, schema=EDGE, orient="row"),
        pl.DataFrame(list((pools or {}).items()), schema=["pool", "slot_count"], orient="row"),
    )


def new_ends(found: WhatIf) -> dict[str, float]:
    rows = found.instances.select("task_id", "new_ended_at").iter_rows()
    return {task: (ended - T0).total_seconds() for task, ended in rows}


def path(found: WhatIf, column: str = "new_path_number") -> list[str]:
    return found.instances.drop_nulls(column).sort(column)["task_id"].to_list()


CHAIN = {"a": (1.0, 11.0, []), "b": (13.0, 43.0, ["a"]), "c": (12.0, 22.0, ["a"]),
         "d": (45.0, 50.0, ["b", "c"])}  # fmt: skip


def test_waits_are_kept_and_the_path_may_change() -> None:
    run = run_of(CHAIN, end=52.0)
    assert path(what_if(run), "path_number") == ["a", "b", "d"]
    found = what_if(run, [Change("b", factor=0.1)])
    # b: 13 + 3 = 16; c ends at 22; d waits its 2 seconds; the run's tail of 2 stays.
    assert new_ends(found) == {"a": 11, "b": 16, "c": 22, "d": 29}
    assert found.saved_seconds == 21
    assert found.ended_at == at(31)
    assert path(found) == ["a", "c", "d"]
    assert path(found, "path_number") == ["a", "b", "d"]


def test_longer_is_later() -> None:
    found = what_if(run_of(CHAIN, end=52.0), [Change("c", seconds=60)])
    assert found.saved_seconds == -29
    assert path(found) == ["a", "c", "d"]


def test_only_running_time_is_changed() -> None:
    # Ten seconds with a retry's pause of six in it.
    run = run_of(CHAIN, end=52.0, running_seconds={"a": 4.0})
    assert new_ends(what_if(run, [Change("a", seconds=0)]))["a"] == 7
    assert new_ends(what_if(run, [Change("a", factor=2)]))["a"] == 15


def test_the_earliest_of_several_gates() -> None:
    tasks = {"fast": (0.0, 5.0, []), "slow": (0.0, 50.0, []), "x": (6.0, 8.0, ["fast", "slow"])}
    run = run_of(tasks, end=50.0, gate_kind={"x": "earliest"})
    assert new_ends(what_if(run, [Change("fast", factor=4)]))["x"] == 23
    assert new_ends(what_if(run, [Change("slow", seconds=1)]))["x"] == 4  # now this one is first
    free = run_of(tasks, end=50.0, gate_kind={"x": "none"})
    assert new_ends(what_if(free, [Change("fast", factor=4)]))["x"] == 8


def test_what_never_ran_is_walked_through() -> None:
    tasks = {"a": (0.0, 10.0, []), "skipped": (10.0, 10.0, ["a"]), "c": (12.0, 13.0, ["skipped"])}
    run = run_of(tasks, end=13.0, has_run={"skipped": False})
    found = what_if(run, [Change("a", seconds=1)])
    assert found.saved_seconds == 9
    assert path(found) == ["a", "c"]


def test_what_another_run_held_back_stays_held() -> None:
    tasks = {"a": (0.0, 10.0, []), "b": (31.0, 40.0, ["a"])}
    run = run_of(tasks, end=40.0, held_until_at={"b": at(30)})
    assert what_if(run, [Change("a", seconds=1)]).saved_seconds == 0
    assert path(what_if(run)) == ["b"]
    assert what_if(run, [Change("a", seconds=35)]).saved_seconds == -5


def test_a_start_before_its_gates_end_shifts_with_it() -> None:
    # Clocks of two machines differ by 0.2 seconds.
    run = run_of({"a": (0.0, 10.0, []), "b": (9.8, 20.0, ["a"])}, end=20.0)
    assert new_ends(what_if(run, [Change("a", seconds=4)]))["b"] == 14


def test_indices_change_together_or_alone() -> None:
    run = run_of({"m": (0.0, 10.0, [])}, end=20.0)
    second = run.instances.with_columns(map_index=pl.lit(1, pl.Int64), ended_at=pl.lit(at(20)))
    run = replace(run, instances=pl.concat([run.instances, second]))
    assert what_if(run, [Change("m", factor=0.5)]).saved_seconds == 10
    assert what_if(run, [Change("m", map_index=-1, factor=0.5)]).saved_seconds == 0
    both = [Change("m", factor=0.5), Change("m", map_index=1, seconds=20)]
    assert what_if(run, both).saved_seconds == 0  # the last one counts


# --- pools -------------------------------------------------------------------------------------

ONE_SLOT = {"x": (1.0, 11.0, []), "y": (13.0, 33.0, []), "z": (34.0, 35.0, [])}


def test_a_pool_is_waited_for_only_as_long_as_it_is_full() -> None:
    run = run_of(ONE_SLOT, end=35.0, pools={"p": 1}, pool=dict.fromkeys("xyz", "p"))
    assert what_if(run).instances["pool_wait_seconds"].to_list() == [0, 11, 33]
    found = what_if(run, [Change("x", seconds=2)])
    assert new_ends(found) == {"x": 3, "y": 25, "z": 27}
    assert found.instances["new_pool_wait_seconds"].to_list() == [0, 3, 25]
    without = replace(run, pools=None)
    assert new_ends(what_if(without, [Change("x", seconds=2)])) == {"x": 3, "y": 33, "z": 35}
    endless = run_of(ONE_SLOT, end=35.0, pools={"p": -1}, pool=dict.fromkeys("xyz", "p"))
    assert what_if(endless, [Change("x", seconds=2)]).saved_seconds == 0


def test_a_longer_task_keeps_the_others_waiting() -> None:
    run = run_of(ONE_SLOT, end=35.0, pools={"p": 1}, pool=dict.fromkeys("xyz", "p"))
    assert new_ends(what_if(run, [Change("x", seconds=20)])) == {"x": 21, "y": 43, "z": 45}


def test_what_other_runs_hold_does_not_move() -> None:
    run = run_of({"x": (21.0, 30.0, [])}, end=30.0, pools={"p": 1}, pool={"x": "p"})
    held = pl.DataFrame(
        {"pool": ["p", "elsewhere"], "pool_slots": [1, 1],
         "started_at": [at(-5), at(0)], "ended_at": [at(20), at(99)]}
    )  # fmt: skip
    found = what_if(replace(run, holders=held), [Change("x", factor=0)])
    assert new_ends(found) == {"x": 21}
    assert found.instances["pool_wait_seconds"].to_list() == [20]


def test_startup_comes_after_the_slot() -> None:
    # y is queued at 12, a second after x left, and starts at 20: eight seconds for its worker.
    tasks = {"x": (1.0, 11.0, []), "y": (20.0, 30.0, [])}
    run = run_of(
        tasks, end=30.0, pools={"p": 1}, pool=dict.fromkeys("xy", "p"), queued_at={"y": at(12)}
    )
    assert new_ends(what_if(run, [Change("x", seconds=0)])) == {"x": 1, "y": 20}


def test_what_could_have_gone_before_waited_for_something_else_too() -> None:
    # y fits before the other run's hold, and did not go: its wait says nothing about the pool.
    run = run_of({"x": (0.0, 5.0, []), "y": (31.0, 32.0, ["x"])}, 32.0, {"p": 1}, pool={"y": "p"})
    held = pl.DataFrame(
        {"pool": ["p"], "pool_slots": [1], "started_at": [at(20)], "ended_at": [at(30)]}
    )
    run = replace(run, holders=held)
    assert what_if(run).saved_seconds == 0
    assert what_if(run).instances["pool_wait_seconds"].to_list() == [0, 0]
    assert new_ends(what_if(run, [Change("x", seconds=15)]))["y"] == 42


def test_a_history_that_cannot_be_true_keeps_its_waits() -> None:
    # Two at once in a pool of one, as after its size was changed: nobody is made to wait.
    tasks = {"x": (0.0, 10.0, []), "y": (5.0, 15.0, []), "big": (16.0, 20.0, ["y"])}
    run = run_of(
        tasks, end=20.0, pools={"p": 1}, pool=dict.fromkeys([*"xy", "big"], "p"),
        pool_slots={"big": 3},
    )  # fmt: skip
    assert what_if(run).saved_seconds == 0
    assert new_ends(what_if(run, [Change("x", seconds=1)])) == {"x": 1, "y": 15, "big": 20}


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"factor": 1.0, "seconds": 1.0},
        {"factor": -1.0},
        {"seconds": float("inf")},
        {"seconds": float("nan")},
    ],
)
def test_changes_say_one_duration(change: dict[str, float]) -> None:
    with pytest.raises(WindsockError, match="one of the two"):
        Change("a", **change)


def test_a_change_of_nothing_is_refused() -> None:
    with pytest.raises(WindsockError, match="'nobody'"):
        what_if(run_of(CHAIN, end=52.0), [Change("nobody", factor=1)])


def test_broken_runs_are_refused() -> None:
    circle = {"a": (0.0, 1.0, ["b"]), "b": (1.0, 2.0, ["a"])}
    with pytest.raises(WindsockError, match="circle"):
        what_if(run_of(circle, end=2.0))
    with pytest.raises(WindsockError, match="gone"):
        what_if(run_of({"a": (0.0, 1.0, ["gone"])}, end=2.0))
    with pytest.raises(WindsockError, match="nearest"):
        what_if(run_of(CHAIN, end=52.0, gate_kind={"a": "nearest"}))
    run = run_of(CHAIN, end=52.0)
    with pytest.raises(WindsockError, match="twice"):
        what_if(replace(run, instances=pl.concat([run.instances, run.instances])))


def test_a_run_without_instances_ends_when_it_did() -> None:
    found = what_if(run_of({}, end=9.0))
    assert (found.ended_at, found.saved_seconds, found.instances.height) == (at(9), 0, 0)


def test_zones_are_kept() -> None:
    run = replace(run_of(CHAIN, 52.0), started_at=T0.replace(tzinfo=UTC),
                  ended_at=at(52).replace(tzinfo=UTC))  # fmt: skip
    assert what_if(run).ended_at == run.ended_at
    assert what_if(run).ended_at.tzinfo is UTC


# --- properties --------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Node], dict[str, int], list[Hold]]:
    """Any instants, pools and gates at all: real histories are odd as well."""
    count = draw(st.integers(1, 9))
    instant = st.integers(0, 40)
    nodes = []
    for i in range(count):
        queued = draw(instant)
        start = queued + draw(st.integers(0, 3))
        end = start + draw(st.integers(0, 12))
        nodes.append(Node(
            (f"t{draw(st.integers(0, 99))}", i), queued, start, end,
            held_until=draw(st.sampled_from([None, None, None, 7, 30])),
            pool=draw(st.sampled_from(["p", "p", "p", "q", "unknown", None])),
            slots=draw(st.sampled_from([1, 1, 1, 2, 3])),
            gate_kind=draw(st.sampled_from(["latest", "latest", "earliest", "none"])),
            has_run=draw(st.booleans()),
            upstreams=tuple(sorted(draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else ())),
        ))  # fmt: skip
    sizes = {"p": draw(st.integers(1, 3)), "q": draw(st.integers(-1, 2))}
    holds = [
        Hold(pool, slots, begin, begin + length)
        for pool, slots, begin, length in draw(
            st.lists(st.tuples(st.sampled_from("pq"), st.integers(1, 2), instant, instant),
                     max_size=3)
        )
    ]  # fmt: skip
    return nodes, sizes, holds


@given(histories(), st.integers(-5, 20))
@settings(max_examples=1_000, deadline=None)
def test_without_a_change_the_replay_is_the_run(
    history: tuple[list[Node], dict[str, int], list[Hold]], run_start: int
) -> None:
    nodes, sizes, holds = history
    replay = Replay(nodes, run_start, sizes, holds)
    assert replay.replayed([node.end - node.start for node in nodes]) == replay.observed()


@st.composite
def simulations(draw: st.DrawFn) -> tuple[list[int], list[int], int, int]:
    """Durations, changed durations, slots and the scheduler's lag."""
    durations = draw(st.lists(st.integers(1, 30), min_size=1, max_size=12))
    changed = [draw(st.integers(0, 40)) for _ in durations]
    return durations, changed, draw(st.integers(1, 4)), draw(st.integers(0, 3))


def first_come(durations: list[int], slots: int, lag: int) -> list[tuple[int, int]]:
    """Independent tasks, all ready at 0, take slots in their order; a slot rests `lag` between."""
    free = [0] * slots
    found = []
    for duration in durations:
        start = heapq.heappop(free) + lag
        found.append((start, start + duration))
        heapq.heappush(free, start + duration)
    return found


@given(simulations())
@settings(max_examples=300, deadline=None)
def test_a_pool_is_replayed_as_if_simulated(case: tuple[list[int], list[int], int, int]) -> None:
    durations, changed, slots, lag = case
    nodes = [
        Node((f"t{i:02}", -1), start, start, end, pool="p")
        for i, (start, end) in enumerate(first_come(durations, slots, lag))
    ]
    found = Replay(nodes, 0, {"p": slots}).replayed(changed)
    expected = first_come(changed, slots, lag)
    assert list(zip(found.starts, found.ends, strict=True)) == expected


@given(histories(), st.lists(st.integers(0, 30), min_size=9, max_size=9))
@settings(max_examples=400, deadline=None)
def test_without_pools_less_work_never_ends_later(
    history: tuple[list[Node], dict[str, int], list[Hold]], cuts: list[int]
) -> None:
    nodes, _, _ = history
    replay = Replay(nodes, 0, {})
    spans = [node.end - node.start for node in nodes]
    shorter = replay.replayed([max(s - c, 0) for s, c in zip(spans, cuts, strict=False)])
    assert all(a <= b for a, b in zip(shorter.ends, replay.observed().ends, strict=True))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9), st.integers(1, 2)), max_size=6),
       st.integers(0, 25), st.integers(0, 9), st.integers(1, 3))  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_a_pool_counts_like_an_array(
    taken: list[tuple[int, int, int]], begin: int, length: int, slots: int
) -> None:
    pool, used = Pool(3), [0] * 80
    for since, duration, count in taken:
        pool.take(since, since + duration, count)
        for instant in range(since, since + duration):
            used[instant] += count
    fits = [all(u + slots <= 3 for u in used[t : t + max(length, 1)]) for t in range(60)]
    assert pool.has_room(begin, begin + length, slots) == fits[begin]
    assert pool.earliest(begin, length, slots) == fits.index(True, begin)
    full = [t for t in range(begin, begin + length) if used[t] + slots > 3]
    assert pool.free_since(begin, begin + length, slots) == (full[-1] + 1 if full else begin)
