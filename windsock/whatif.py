"""What if a task took less time? One run, replayed with other durations.

    ObservedRun  ->  waits are measured  ->  durations are changed  ->  forward pass  ->  WhatIf

Every instance waits for its gate, then as long as it really waited, then runs. Only one kind of
wait is worked out anew: that for a pool, whose slots are handed out again in the order in which
they really were. Without a change the replay gives the observed run, to the microsecond. What the
model takes for granted is in `docs/statistics.md`, section "What if". Alone:

    what_if(run, [Change("load", factor=0.5)]).saved_seconds
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from windsock.critical_path_records import microseconds
from windsock.errors import WindsockError
from windsock.whatif_replay import MICROSECONDS, Hold, Node, Replay, Timing

SHAPE = pl.Schema(
    {
        "task_id": pl.String(),
        "map_index": pl.Int64(),
        "started_at": pl.Datetime("us"),
        "ended_at": pl.Datetime("us"),
        "queued_at": pl.Datetime("us"),
        "held_until_at": pl.Datetime("us"),
        "running_seconds": pl.Float64(),
        "pool": pl.String(),
        "pool_slots": pl.Int64(),
        "gate_kind": pl.String(),
        "has_run": pl.Boolean(),
    }
)
EDGE = ["task_id", "map_index", "upstream_task_id", "upstream_map_index"]
GATE_KINDS = frozenset({"latest", "earliest", "none"})


@dataclass(frozen=True)
class ObservedRun:
    """A run as it was.

    Attributes:
        started_at: of the run, UTC.
        ended_at: of the run, UTC.
        instances: one row per instance with the columns of `SHAPE`. `started_at` is the start of
            the first try, `ended_at` the effective end; an instance that never ran has
            `has_run` false and its effective end in both. `running_seconds` is the part of the
            span that a change replaces, null: all of it. `queued_at` null: when it started.
            `pool` null: it held no slot, or not all the time. `held_until_at`: what else held it
            back, outside this run. `gate_kind` says which of its `edges` it waited for: the
            `latest` end, the `earliest` (its edges are then those in a state that satisfied its
            rule), or `none`.
        edges: instance waits for upstream instance; the columns of `EDGE`.
        pools: `pool`, `slot_count` (below 0: no limit). Waits for other pools stay as they were.
        holders: what other runs held: `pool`, `pool_slots`, `started_at`, `ended_at`.
    """

    started_at: datetime
    ended_at: datetime
    instances: pl.DataFrame
    edges: pl.DataFrame
    pools: pl.DataFrame | None = None
    holders: pl.DataFrame | None = None


@dataclass(frozen=True)
class Change:
    """A task, or one index of it, that takes `factor` times as long, or `seconds`."""

    task_id: str
    map_index: int | None = None
    factor: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no duration can be."""
        given = [x for x in (self.factor, self.seconds) if x is not None]
        if len(given) != 1 or not 0 <= given[0] < float("inf"):
            raise WindsockError(
                f"The change of {self.task_id!r} has factor {self.factor}, seconds {self.seconds}",
                expected="one of the two, 0 or more",
            )


@dataclass(frozen=True)
class WhatIf:
    """What the change would do.

    Attributes:
        ended_at: the run's end in the replay.
        saved_seconds: observed end - new end; below 0: later.
        instances: `task_id`, `map_index`, `started_at`, `ended_at`, `new_started_at`,
            `new_ended_at`, `pool_wait_seconds`, `new_pool_wait_seconds`, `path_number` and
            `new_path_number` (place on the path to the last end, from 1; null: off it).
    """

    ended_at: datetime
    saved_seconds: float
    instances: pl.DataFrame


def what_if(run: ObservedRun, changes: Sequence[Change] = (),
            pool_sizes: Mapping[str, int] | None = None) -> WhatIf:
    """The run's new end and path with other durations; pools are replayed.

    Args:
        run: as it was.
        changes: of several for one instance the last one counts.
        pool_sizes: pools that have so many slots instead, no fewer than they had.

    Returns:
        The replay.

    Raises:
        WindsockError: an instance twice, an edge to none, a cycle, a change of nothing, or a pool
            that is to be smaller or is not there.
    """
    frame = run.instances.select(SHAPE.names()).cast(SHAPE).sort("task_id", "map_index")
    nodes = _nodes(frame, run.edges)
    replay = Replay(nodes, microseconds(run.started_at), _sizes(run.pools), _holds(run.holders))
    old = replay.observed()
    new = replay.replayed(_spans(frame, nodes, changes), pool_sizes)
    saved = old.last_end - new.last_end
    return WhatIf(
        ended_at=run.ended_at - timedelta(microseconds=saved),
        saved_seconds=saved / MICROSECONDS,
        instances=_result(frame, old, new),
    )


def _nodes(frame: pl.DataFrame, edges: pl.DataFrame) -> list[Node]:
    """The instances in the order of the frame."""
    queued = pl.min_horizontal("queued_at", "started_at")  # of those that are known
    instants = frame.select(queued, "started_at", "ended_at", "held_until_at")
    rest = frame.select("pool", pl.col("pool_slots").fill_null(1), "gate_kind", "has_run")
    keys = list(zip(frame["task_id"], frame["map_index"], strict=True))
    unknown = set(frame["gate_kind"]) - GATE_KINDS
    if unknown:
        raise WindsockError(f"Gate kinds {unknown}", expected=", ".join(sorted(GATE_KINDS)))
    columns = zip(
        keys,
        *(instants[name].dt.epoch("us") for name in instants.columns),
        *(rest[name] for name in rest.columns),
        (tuple(sorted(before)) for before in _upstreams(keys, edges)),
        strict=True,
    )
    return [Node(*values) for values in columns]


def _upstreams(keys: list[tuple[str, int]], edges: pl.DataFrame) -> list[set[int]]:
    """Row number -> row numbers that it may wait for."""
    numbers = {key: number for number, key in enumerate(keys)}
    if len(numbers) < len(keys):
        raise WindsockError("An instance is there twice", expected="one row per task and index")
    found: list[set[int]] = [set() for _ in keys]
    for task_id, map_index, *upstream in edges.select(EDGE).iter_rows():
        ends = (task_id, map_index), (upstream[0], upstream[1])
        if not all(end in numbers for end in ends):
            raise WindsockError(f"Edge {ends[1]} -> {ends[0]} ends at no instance of the run")
        found[numbers[ends[0]]].add(numbers[ends[1]])
    return found


def _spans(frame: pl.DataFrame, nodes: list[Node], changes: Sequence[Change]) -> list[int]:
    """From start to end of each instance, with the changes."""
    spans = [node.end - node.start for node in nodes]
    running = [
        span if seconds is None else min(max(round(seconds * MICROSECONDS), 0), span)
        for span, seconds in zip(spans, frame["running_seconds"], strict=True)
    ]
    new = list(spans)
    for change in changes:
        meant = [
            i
            for i, node in enumerate(nodes)
            if node.key[0] == change.task_id and change.map_index in (None, node.key[1])
        ]
        if not meant:
            raise WindsockError(
                f"Task {change.task_id!r}, index {change.map_index}, has no instance in the run",
                next_step="choose one of the run's tasks",
            )
        for i in meant:
            new[i] = spans[i] - running[i] + _changed(running[i], change)
    return new


def _changed(running: int, change: Change) -> int:
    """The new running time in microseconds."""
    if change.seconds is not None:
        return round(change.seconds * MICROSECONDS)
    return round(running * (1.0 if change.factor is None else change.factor))


def _sizes(pools: pl.DataFrame | None) -> dict[str, int]:
    if pools is None:
        return {}
    return dict(pools.select("pool", "slot_count").iter_rows())


def _holds(holders: pl.DataFrame | None) -> list[Hold]:
    if holders is None:
        return []
    instants = [pl.col(name).dt.epoch("us") for name in ("started_at", "ended_at")]
    return [Hold(*row) for row in holders.select("pool", "pool_slots", *instants).iter_rows()]


def _result(frame: pl.DataFrame, old: Timing, new: Timing) -> pl.DataFrame:
    """Old and new beside each other."""

    def instants(values: list[int]) -> pl.Series:
        return pl.Series(values, dtype=pl.Int64).cast(pl.Datetime("us"))

    def seconds(values: list[int]) -> pl.Series:
        return pl.Series(values, dtype=pl.Int64) / MICROSECONDS

    def numbers(path: list[int]) -> pl.Series:
        places = {i: number for number, i in enumerate(path, 1)}
        return pl.Series([places.get(i) for i in range(frame.height)], dtype=pl.Int64)

    return frame.select("task_id", "map_index", "started_at", "ended_at").with_columns(
        new_started_at=instants(new.starts),
        new_ended_at=instants(new.ends),
        pool_wait_seconds=seconds(old.pool_waits),
        new_pool_wait_seconds=seconds(new.pool_waits),
        path_number=numbers(old.path),
        new_path_number=numbers(new.path),
    )
