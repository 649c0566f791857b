"""From the marts' rows of one run to what `windsock.whatif` replays.

    run, instances, attempts, tasks, edges, steps  ->  Graph (who gated whom)  ->  Observed

Gates are those of `windsock.critical_path_gates`, by the structure of one version. All indices of
a mapped task that wait for all of another wait for one joint of them instead (map_index -2), so
that edges grow with instances and not with their square. Alone:

    observed_run(Rows(…)).replay({"load": 0.5}).saved_seconds
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import polars as pl

from windsock.critical_path_gates import Graph, Key, key
from windsock.critical_path_records import Attempt, Instance, Run, Task, microseconds
from windsock.whatif import EDGE, SHAPE, Change, ObservedRun, WhatIf, what_if

Row = Mapping[str, Any]
JOINT = -2
_EARLIEST = {"one_success": {"success"}, "one_failed": {"failed", "upstream_failed"},
             "one_done": {"success", "failed"}}
_NO_GATE = {"always", "dummy"}
_FAILED = {"failed", "up_for_retry"}


@dataclass(frozen=True)
class Rows:
    """Rows of the marts.

    Attributes:
        run: of fct_dag_runs: state, started_at, path_ended_at.
        instances: of fct_task_instances: task_id, map_index, state, ended_at, pool,
            pool_slot_count, has_run.
        attempts: of fct_task_attempts: task_id, map_index, state, queued_at, started_at, ended_at,
            pauses.
        tasks: of dim_tasks: task_id, trigger_rule, depth_index, mapped_task_group_id.
        edges: of fct_task_edges, of one version: upstream_task_id, downstream_task_id.
        steps: of the finish path: task_id, map_index, ready_at, gated_by_run_id,
            past_run_wait_seconds.
        pools: `pool`, `slot_count`: those to be replayed.
        holders: attempts of other runs in those pools: pool, pool_slots, started_at, ended_at.
        has_structure: whether tasks and edges are of a structure that was read; without one the
            gates are inferred from time order.
    """

    run: Row
    instances: Sequence[Row]
    attempts: Sequence[Row]
    tasks: Sequence[Row]
    edges: Sequence[Row]
    steps: Sequence[Row] = ()
    pools: pl.DataFrame | None = None
    holders: pl.DataFrame | None = None
    has_structure: bool = True


@dataclass(frozen=True)
class Observed:
    """A run to be replayed, and the seconds in it that were pauses between two tries."""

    run: ObservedRun
    retry_waits: Mapping[Key, float]

    def replay(self, factors: Mapping[str, float], *, without_retry_waits: bool = False,
               pool_sizes: Mapping[str, int] | None = None) -> WhatIf:
        """The run with tasks that take `factor` times as long.

        Args:
            factors: by task; tasks that did not run are passed over.
            without_retry_waits: a try follows at once on the one that failed.
            pool_sizes: pools that have so many slots instead, no fewer than they had.
        """
        frame = self.run.instances
        known = set(frame["task_id"])
        changes = [Change(task, factor=f) for task, f in factors.items() if task in known]
        if not without_retry_waits or not self.retry_waits:
            return what_if(self.run, changes, pool_sizes)
        # A pause is made part of the time that a change replaces, and replaced by nothing.
        pauses = pl.Series([self.retry_waits.get(k, 0.0) for k in
                            frame.select("task_id", "map_index").iter_rows()], dtype=pl.Float64)
        for task, index, seconds in frame.select(
                "task_id", "map_index", "running_seconds").iter_rows():
            if (task, index) in self.retry_waits:
                changes.append(Change(task, index, seconds=seconds * factors.get(task, 1.0)))
        widened = frame.with_columns(running_seconds=pl.col("running_seconds") + pauses)
        return what_if(replace(self.run, instances=widened), changes, pool_sizes)


def observed_run(rows: Rows) -> Observed:
    """The run as `what_if` takes it.

    Args:
        rows: of one run that began.

    Returns:
        The run; its instances are cut to the run's own start and end. Instances that never ended
        and gate nobody are left out.
    """
    twin = _twin(rows)
    builder = _Builder(rows, Graph(twin))
    frame = pl.DataFrame(builder.nodes, schema=SHAPE)
    edges = pl.DataFrame(sorted(builder.edges), schema=EDGE, orient="row") if builder.edges else \
        pl.DataFrame(schema=dict(zip(EDGE, (pl.String, pl.Int64) * 2, strict=True)))
    run = ObservedRun(rows.run["started_at"], rows.run["path_ended_at"], frame, edges, rows.pools,
                      rows.holders)
    return Observed(run, builder.retry_waits)


def _instant(at: int) -> datetime:
    return datetime.fromtimestamp(at // 1_000_000, UTC).replace(
        tzinfo=None, microsecond=at % 1_000_000)


def _micro(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _twin(rows: Rows) -> Run:
    """The run as the twin of the critical path takes it, in one version."""
    tries: dict[Key, list[Attempt]] = defaultdict(list)
    for row in rows.attempts:
        if row["started_at"] is not None:
            tries[row["task_id"], row["map_index"]].append(Attempt(
                microseconds(row["started_at"]), _micro(row["ended_at"]), row["state"],
                queued_at=_micro(row["queued_at"])))
    instances = tuple(Instance(
        r["task_id"], r["map_index"], r["state"], _micro(r["ended_at"]),
        tuple(tries[r["task_id"], r["map_index"]]),
        was_skipped_by_scheduler=not r["has_run"]) for r in rows.instances)
    upstreams: dict[str, list[str]] = defaultdict(list)
    for edge in rows.edges:
        upstreams[edge["downstream_task_id"]].append(edge["upstream_task_id"])
    structure = {t["task_id"]: Task(
        t["task_id"], tuple(sorted(upstreams[t["task_id"]])), t["trigger_rule"] or "all_success",
        t["depth_index"] or 0, t["mapped_task_group_id"]) for t in rows.tasks}
    run, end = rows.run, microseconds(rows.run["path_ended_at"])
    return Run(run["state"] or "", _micro(run["started_at"]), end, end, instances,
               {"": structure} if rows.has_structure else {})


class _Builder:
    """Collects nodes and edges; the graph says who gates whom."""

    def __init__(self, rows: Rows, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[dict[str, Any]] = []
        self.edges: set[tuple[str, int, str, int]] = set()
        self.retry_waits: dict[Key, float] = {}
        self._rows = {(r["task_id"], r["map_index"]): r for r in rows.instances}
        self._attempts: dict[Key, list[Row]] = defaultdict(list)
        for row in rows.attempts:
            self._attempts[row["task_id"], row["map_index"]].append(row)
        self._held = {(s["task_id"], s["map_index"]): _held_until(s) for s in rows.steps}
        self._kept = {key(x): x for x in graph.run.instances
                      if graph.effective_end(x) is not None}
        self._sizes: dict[str, int] = defaultdict(int)
        for task_id, _ in self._kept:
            self._sizes[task_id] += 1
        self._joints: set[str] = set()
        for instance in self._kept.values():
            self._add(instance)

    def _cut(self, at: int) -> int:
        return min(max(at, self.graph.start), self.graph.end)

    def _end(self, x: Instance) -> int:
        end = self.graph.effective_end(x)
        return self._cut(self.graph.end if end is None else end)

    def _add(self, x: Instance) -> None:
        gate = self.graph.gate(x).instance
        kind, gates = self._gates(x, gate)
        for upstream in gates:
            self._wait(x, upstream, may_join=kind == "latest")
        ready = self.graph.start if gate is None else self._end(gate)
        end = self._end(x)
        tries = [a for a in x.attempts if self._try_end(a) > ready] or list(x.attempts)
        start = min(self._cut(tries[0].started_at), end) if x.has_run else end
        queued = tries[0].queued_at if x.has_run else None
        self.nodes.append(self._node(x, start, end) | {
            "gate_kind": kind, "queued_at": None if queued is None or queued > start
            else _instant(self._cut(queued)),
            "running_seconds": self._running(x, tries, (start, end)) if x.has_run else 0.0})

    def _node(self, x: Instance, start: int, end: int) -> dict[str, Any]:
        row, own = self._rows[key(x)], self._attempts[key(x)]
        # A slot given back in between is not one stretch: such waits stay as they were.
        is_one_stretch = len(own) == 1 and not own[0]["pauses"]
        return {"task_id": x.task_id, "map_index": x.map_index, "started_at": _instant(start),
                "ended_at": _instant(end), "held_until_at": self._held.get(key(x)),
                "pool": row["pool"] if x.has_run and is_one_stretch else None,
                "pool_slots": row["pool_slot_count"] or 1, "has_run": x.has_run}

    def _try_end(self, attempt: Attempt) -> int:
        return self.graph.end if attempt.end is None else attempt.end

    def _running(self, x: Instance, tries: Sequence[Attempt], span: tuple[int, int]) -> float:
        """Seconds inside its span that were no pause between tries; remembers those pauses."""
        start, end = span
        cursor, busy, pauses = start, 0, 0
        for before, attempt in zip([None, *tries[:-1]], tries, strict=True):
            begin = min(max(attempt.started_at, cursor), end)
            until = min(max(self._try_end(attempt), begin), end)
            if before is not None and before.state in _FAILED:
                pauses += begin - cursor
            busy += until - begin
            cursor = until
        if pauses:
            self.retry_waits[key(x)] = pauses / 1e6
        return busy / 1e6

    def _gates(self, x: Instance, observed: Instance | None) -> tuple[str, list[Instance]]:
        """How it chose among which of its upstreams."""
        task = self.graph.task(x)
        only = [] if observed is None or key(observed) not in self._kept else [observed]
        if not x.has_run or not self.graph.run.structures:
            return "latest", only
        if task is None or task.trigger_rule in _NO_GATE:
            return "none", []
        ups = list(self._upstreams(x, task))
        states = _EARLIEST.get(task.trigger_rule)
        if states is None:
            return "latest", ups
        return "earliest", [u for u in ups if u.state in states]

    def _upstreams(self, x: Instance, task: Task) -> Iterator[Instance]:
        structure = self.graph.run.structures[x.version]
        for name in task.upstreams:
            up = structure.get(name)
            inside = (up is not None and up.mapped_group is not None
                      and up.mapped_group == task.mapped_group)
            found = (u for u in self.graph.instances_of(name) if key(u) in self._kept
                     and (not inside or u.map_index == x.map_index))
            is_joined = task.trigger_rule not in _EARLIEST and self._has_joint(x, name, inside)
            yield from islice(found, 1 if is_joined else None)

    def _has_joint(self, x: Instance, upstream_id: str, inside: bool) -> bool:
        """Whether all indices of x's task wait for all of the other's."""
        return (not inside and x.has_run and bool(self.graph.run.structures)
                and min(self._sizes[x.task_id], self._sizes[upstream_id]) > 1)

    def _wait(self, x: Instance, gate: Instance, *, may_join: bool) -> None:
        """An edge, or one to the joint of all indices of the gate's task."""
        task, up = self.graph.task(x), self.graph.task(gate)
        inside = (task is not None and up is not None and task.mapped_group is not None
                  and task.mapped_group == up.mapped_group)
        if not may_join or not self._has_joint(x, gate.task_id, inside):
            self.edges.add((x.task_id, x.map_index, gate.task_id, gate.map_index))
            return
        self._join(gate.task_id)
        self.edges.add((x.task_id, x.map_index, gate.task_id, JOINT))

    def _join(self, task_id: str) -> None:
        """Make the joint of a task once; it ends when the last of its indices does."""
        if task_id in self._joints:
            return
        self._joints.add(task_id)
        indices = [u for u in self.graph.instances_of(task_id) if key(u) in self._kept]
        self.edges |= {(task_id, JOINT, task_id, u.map_index) for u in indices}
        end = _instant(max(self._end(u) for u in indices))
        self.nodes.append({
            "task_id": task_id, "map_index": JOINT, "started_at": end, "ended_at": end,
            "gate_kind": "latest", "has_run": False, "running_seconds": 0.0, "pool_slots": 1})


def _held_until(step: Row) -> datetime | None:
    """Until when another run held it."""
    if step["gated_by_run_id"] is None:
        return None
    return _instant(microseconds(step["ready_at"]) + round(step["past_run_wait_seconds"] * 1e6))
