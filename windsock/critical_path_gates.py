"""Which instance gated which: stamps, effective ends, trigger rules, the previous run.

    Graph(run).gate(x)   ->   Gate: the instance that x waited for, or the run that holds it

Written from `docs/critical_path.md`, sections 1 and 3, and from nothing else: the SQL is another
hand's work, and a test compares the two.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from windsock.critical_path_records import Instance, Run, Task

Key = tuple[str, int]
_NO_GATE_RULES = frozenset({"always", "dummy"})
_EARLIEST_BY_RULE = {
    "one_success": frozenset({"success"}),
    "one_failed": frozenset({"failed", "upstream_failed"}),
    "one_done": frozenset({"success", "failed"}),
}
_FAILURES = frozenset({"failed", "upstream_failed"})
_BRANCH_RULES = frozenset({"all_success", "none_skipped"})


@dataclass(frozen=True, slots=True)
class Gate:
    """What an instance waited for: one in its run, one in another run, or nothing."""

    instance: Instance | None = None
    run_id: str | None = None
    ended_at: int | None = None


class Graph:
    """The instances of one run, who is upstream of whom, and when each ended."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.start, self.end = run.window
        self._of_task: dict[str, list[Instance]] = defaultdict(list)
        for instance in run.instances:
            self._of_task[instance.task_id].append(instance)
        self._stamps: dict[Key, int | None] = {}
        self._effective: dict[Key, int | None] = {}
        self._past = _by_task(run.previous.instances) if run.previous else {}
        self._upstreams = {key(x): list(self._upstreams_of(x)) for x in run.instances}
        self._order = sorted(
            (x for x in run.instances if x.has_run and not run.structures),
            key=lambda x: (self._end_of(x), _first_start(x), *key(x)),
        )
        for instance in self._upstreams_first():
            self._stamps[key(instance)] = self._find_stamp(instance)
            self._effective[key(instance)] = self._find_effective_end(instance)

    def task(self, x: Instance) -> Task | None:
        """The task in the instance's own version; None: that version does not have it."""
        return self.run.structures.get(x.version, {}).get(x.task_id)

    def instances_of(self, task_id: str) -> list[Instance]:
        """The instances of one task."""
        return self._of_task.get(task_id, [])

    def effective_end(self, x: Instance) -> int | None:
        """When the instance let others go; None: it gates nobody."""
        return self._effective.get(key(x))

    def gate(self, x: Instance) -> Gate:
        """What an instance waited for."""
        if not self.run.structures:
            return Gate(self._last_before(x))
        if not x.has_run:
            return Gate(self._gate_of_idle(x))
        past = self._past_gate(x)
        return past or Gate(self._gate_by_rule(x))

    def latest(self, among: Iterable[Instance], at: Callable[[Instance], int | None],
               ) -> Instance | None:
        """The one with the latest instant; a tie goes by depth, task and index."""
        dated = [(x, moment) for x in among if (moment := at(x)) is not None]
        return min(dated, key=lambda d: (-d[1], *self._tie(d[0])))[0] if dated else None

    def earliest(self, among: Iterable[Instance], at: Callable[[Instance], int | None],
                 ) -> Instance | None:
        """The one with the earliest instant; a tie goes by depth, task and index."""
        dated = [(x, moment) for x in among if (moment := at(x)) is not None]
        return min(dated, key=lambda d: (d[1], *self._tie(d[0])))[0] if dated else None

    def _tie(self, x: Instance) -> tuple[int, str, int]:
        task = self.task(x)
        return (0 if task is None else -task.depth - 1, x.task_id, x.map_index)

    # --- the graph -----------------------------------------------------------------------------

    def _upstreams_of(self, x: Instance) -> Iterator[Instance]:
        task = self.task(x)
        structure = self.run.structures.get(x.version, {})
        for upstream_id in task.upstreams if task else ():
            upstream = structure.get(upstream_id)
            is_inside = (task is not None and task.mapped_group is not None
                         and upstream is not None and upstream.mapped_group == task.mapped_group)
            for instance in self._of_task.get(upstream_id, ()):
                if not is_inside or instance.map_index == x.map_index:
                    yield instance

    def _upstreams_first(self) -> Iterator[Instance]:
        """Every instance after its upstreams; versions that contradict each other are cut open."""
        seen: set[Key] = set()
        for root in self.run.instances:
            stack = [(root, False)]
            while stack:
                instance, is_done = stack.pop()
                if is_done:
                    yield instance
                elif key(instance) not in seen:
                    seen.add(key(instance))
                    stack.append((instance, True))
                    stack += [(u, False) for u in self._upstreams[key(instance)]]

    # --- section 1: stamps ---------------------------------------------------------------------

    def _end_of(self, x: Instance) -> int:
        """The end of one that ran."""
        recorded = x.recorded_end
        return self.end if recorded is None else recorded

    def _stamp(self, x: Instance) -> int | None:
        return self._stamps.get(key(x))

    def _find_stamp(self, x: Instance) -> int | None:
        if x.has_run:
            return self._end_of(x)
        if not x.is_final or x.ended_at is not None:
            return x.ended_at if x.is_final else None
        return max(self._stamped(x).values(), default=None)

    def _stamped(self, x: Instance) -> dict[Key, int]:
        found = {key(u): self._stamp(u) for u in self._upstreams[key(x)]}
        return {k: at for k, at in found.items() if at is not None}

    def _find_effective_end(self, x: Instance) -> int | None:
        stamp = self._stamp(x)
        if x.has_run or stamp is None or not self.run.structures:
            return stamp if x.has_run or self.run.structures else None
        gate = self._gate_of_idle(x)
        behind = None if gate is None else self.effective_end(gate)
        return stamp if behind is None else max(stamp, behind)

    # --- section 3: gates ----------------------------------------------------------------------

    def _gate_by_rule(self, x: Instance) -> Instance | None:
        task, upstreams = self.task(x), self._upstreams[key(x)]
        if task is None or task.trigger_rule in _NO_GATE_RULES:
            return None
        states = _EARLIEST_BY_RULE.get(task.trigger_rule)
        if states is None:
            return self.latest(upstreams, self.effective_end)
        return self.earliest((u for u in upstreams if u.state in states), self.effective_end)

    def _gate_of_idle(self, x: Instance) -> Instance | None:
        """The gate of one that never ran."""
        task, upstreams = self.task(x), self._upstreams[key(x)]
        found = None
        if x.state == "upstream_failed":
            found = self.earliest((u for u in upstreams if u.state in _FAILURES), self._stamp)
        elif x.state == "skipped":
            found = self._gate_of_skipped(x, task.trigger_rule if task else "")
        return found or self.latest(upstreams, self._stamp)

    def _gate_of_skipped(self, x: Instance, rule: str) -> Instance | None:
        upstreams, stamp = self._upstreams[key(x)], self._stamp(x)
        if stamp is None:
            return None
        branch = self.earliest(
            (u for u in upstreams if u.has_run and _first_start(u) <= stamp <= self._end_of(u)),
            self._stamp)
        if rule not in _BRANCH_RULES:
            return branch
        skipped = [u for u in upstreams if u.state == "skipped" and not u.has_run]
        before = [u for u in skipped if (at := self._stamp(u)) is not None and at < stamp]
        return self.earliest(before, self._stamp) or branch or self.earliest(skipped, self._stamp)

    def _past_gate(self, x: Instance) -> Gate | None:
        """`depends_on_past`: the previous run held it longer than anything in its own."""
        task, previous = self.task(x), self.run.previous
        if task is None or previous is None:
            return None
        if not (task.depends_on_past or task.wait_for_downstream):
            return None
        held = [p for p in self._past.get(x.task_id, ()) if p.map_index == x.map_index]
        if task.wait_for_downstream:
            structure = self.run.structures.get(x.version, {})
            held += [p for t in structure.values() if x.task_id in t.upstreams
                     for p in self._past.get(t.task_id, ())]
        ends = (p.recorded_end for p in held if p.state in ("success", "skipped"))
        until = max((e for e in ends if e is not None), default=None)
        own = [e for u in self._upstreams[key(x)] if (e := self.effective_end(u)) is not None]
        if until is None or until <= max([self.start, *own]):
            return None
        return Gate(run_id=previous.run_id, ended_at=until)

    def _last_before(self, x: Instance) -> Instance | None:
        """Without a structure: the last one before, in order of ends, that let X begin."""
        if not x.has_run:
            return None
        place = bisect_left(self._order, (self._end_of(x), _first_start(x), *key(x)),
                            key=lambda y: (self._end_of(y), _first_start(y), *key(y)))
        earlier = (y for y in reversed(self._order[:place]) if self._end_of(y) <= _first_start(x))
        return next(earlier, None)


def key(x: Instance) -> Key:
    """What names an instance in its run."""
    return x.task_id, x.map_index


def _first_start(x: Instance) -> int:
    return x.attempts[0].started_at


def _by_task(instances: Iterable[Instance]) -> dict[str, list[Instance]]:
    found: dict[str, list[Instance]] = defaultdict(list)
    for instance in instances:
        found[instance.task_id].append(instance)
    return found
