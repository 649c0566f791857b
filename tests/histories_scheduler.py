"""A small scheduler: what happens to the instances of one run, to the end of it.

    Pass(rng, dag, tasks, …).play()  ->  Instances with tries, executions and stamps

All instants are whole microseconds. Nothing here knows of databases or of "now": a history is
cut at its "now" when it is written (`tests/histories_rows.py`).
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.histories_dags import DagSpec, TaskSpec
from tests.histories_rules import at_last, at_once

SECOND = 1_000_000
DONE_WELL = ("success", "skipped")
Key = tuple[str, int]


@dataclass
class Execution:
    """One process of a try: a first start, another poke, or what resumes after a deferral."""

    scheduled: int
    queued: int | None
    started: int
    ended: int


@dataclass
class Try:
    """One attempt. `last_seen`: its process died then, and the scheduler saw it at its end."""

    number: int
    scheduled: int
    executions: list[Execution]
    state: str
    waits: str | None = None            # between executions: "reschedule" or "deferral"
    is_scheduler_run: bool = False
    last_seen: int | None = None
    job_id: int = 0
    has_lost_pokes: bool = False        # a clear of 2.x deletes its task_reschedule rows

    @property
    def started(self) -> int:
        return self.executions[0].started

    @property
    def ended(self) -> int:
        return self.executions[-1].ended


@dataclass
class Happened:
    """A task instance. Without tries it never ran: it was `decided` and perhaps stamped."""

    task: TaskSpec
    map_index: int
    tries: list[Try] = field(default_factory=list)
    past: list[Try] = field(default_factory=list)       # of earlier passes
    has_zero_history: bool = False                      # was cleared without ever having run
    state: str | None = None
    decided: int | None = None
    is_forced: bool = False                             # by a branch: its dates are overwritten
    is_undated: bool = False
    is_startless: bool = False                          # 3.x: failed before it started
    done: int | None = None                             # when the scheduler knew
    version: int = 0

    @property
    def key(self) -> Key:
        return self.task.task_id, self.map_index

    @property
    def begun(self) -> int | None:
        """When it was first touched in this pass."""
        return self.tries[0].scheduled if self.tries else self.decided


@dataclass
class Pass:
    """One pass over the tasks of a run that are not in `known`."""

    rng: random.Random
    dag: DagSpec
    tasks: tuple[TaskSpec, ...]
    start: int
    is_three: bool
    previous: Mapping[Key, Happened] | None = None      # of the run that depends_on_past looks at
    known: dict[Key, Happened] = field(default_factory=dict)
    before: Mapping[Key, Happened] = field(default_factory=dict)    # cleared: they come again
    sizes: dict[str, int] = field(default_factory=dict)
    forced: dict[str, int] = field(default_factory=dict)

    def play(self) -> dict[Key, Happened]:
        """Every instance of the run after this pass."""
        for task in self.tasks:
            if not any(k[0] == task.task_id for k in self.known):
                for happened in self._instances(task):
                    self.known[happened.key] = happened
                self._force(task)
        return self.known

    # --- expansion -----------------------------------------------------------------------------

    def _instances(self, task: TaskSpec) -> Iterable[Happened]:
        if not task.is_mapped and task.group is None:
            return [self._instance(task, -1)]
        name = task.group or task.task_id
        if name not in self.sizes:
            self.sizes[name] = self.rng.choice((1, 2, 3) if task.group else (0, 1, 2, 3))
        if task.is_mapped:
            verdict, at = self._verdict(task, -1)
            if verdict != "run" or self.sizes[name] == 0:
                return [self._placeholder(task, verdict, at)]
        return [self._instance(task, i) for i in range(self.sizes[name])]

    def _placeholder(self, task: TaskSpec, verdict: str, at: int | None) -> Happened:
        happened = self._instance(task, -1) if verdict != "run" else self._again(task, -1)
        if verdict == "run":        # mapped over nothing
            happened.state, happened.decided, happened.done = "skipped", at, at
            happened.is_undated = True
        return happened

    def _again(self, task: TaskSpec, index: int) -> Happened:
        """A fresh instance, or one that was cleared, with its past."""
        old = self.before.get((task.task_id, index))
        if old is None:
            return Happened(task, index)
        return Happened(task, index, past=old.past, has_zero_history=old.has_zero_history,
                        version=old.version)

    def _instance(self, task: TaskSpec, index: int) -> Happened:
        happened = self._again(task, index)
        verdict, at = self._verdict(task, index)
        if at is None:
            return happened
        if verdict == "run":
            ready = self._after_past(task, index, at)
            if ready is not None:
                self._run(happened, ready)
        else:
            happened.state, happened.decided, happened.done = verdict, at, at
            happened.is_forced = at == self.forced.get(task.task_id)
        return happened

    # --- trigger rules -------------------------------------------------------------------------

    def _verdict(self, task: TaskSpec, index: int) -> tuple[str, int | None]:
        """`run` and since when, or the state that the scheduler stamps and when; None: never."""
        verdict, at = self._by_rule(task, index)
        stamp = self.forced.get(task.task_id)
        if stamp is not None and (at is None or at >= stamp):
            return "skipped", stamp
        if verdict != "run" and at is not None:
            at += self._gap()
        return verdict, at

    def _by_rule(self, task: TaskSpec, index: int) -> tuple[str, int | None]:
        upstreams = list(self._upstreams(task, index))
        if task.rule in ("always", "dummy") or not upstreams:
            return "run", self.start
        ended = sorted((max(u.done, self.start), u.state or "") for u in upstreams
                       if u.done is not None)
        is_complete = len(ended) == len(upstreams)
        for at, state in ended:
            verdict = at_once(task.rule, state)
            if verdict is not None:
                return verdict, at
        if not is_complete:
            return "run", None
        return at_last(task.rule, [s for _, s in ended]), ended[-1][0]

    def _upstreams(self, task: TaskSpec, index: int) -> Iterable[Happened]:
        grouped = {t.task_id: t.group for t in self.tasks}
        for key, happened in self.known.items():
            is_inside = task.group is not None and grouped.get(key[0]) == task.group
            if key[0] in task.upstreams and (not is_inside or key[1] == index):
                yield happened

    def _after_past(self, task: TaskSpec, index: int, ready: int) -> int | None:
        """When the previous run lets it go; None: never."""
        if not task.depends_on_past or self.previous is None:
            return ready
        below = {t.task_id for t in self.tasks if task.task_id in t.upstreams}
        held = [h for k, h in self.previous.items() if k == (task.task_id, index) or
                (task.wait_for_downstream and k[0] in below)]
        if any(h.state not in DONE_WELL or h.done is None for h in held):
            return None
        return max([ready, *(h.done for h in held if h.done is not None)])

    def _force(self, task: TaskSpec) -> None:
        """A branch or a short circuit skips what is below, a moment before its own end."""
        [*happened] = (h for k, h in self.known.items() if k[0] == task.task_id)
        branch = happened[0]
        if not branch.tries or branch.state != "success" or len(happened) > 1:
            return
        below = [t.task_id for t in self.tasks if task.task_id in t.upstreams]
        if task.kind == "branch":
            chosen = [t for t in below if self.rng.random() < 0.5]
        elif task.kind == "short_circuit" and self.rng.random() < 0.5:
            chosen = _all_below(self.tasks, below)
        else:
            return
        last = branch.tries[-1].executions[-1]
        stamp = max(last.started, last.ended - self.rng.randint(1, SECOND // 2))
        for task_id in chosen:
            self.forced[task_id] = min(stamp, self.forced.get(task_id, stamp))

    # --- running -------------------------------------------------------------------------------

    def _gap(self) -> int:
        """What a scheduler takes to see something."""
        if self.dag.is_grid:
            return 0
        return self.rng.randint(SECOND // 10, 3 * SECOND) * (1 if self.rng.random() < 0.9 else 20)

    def _length(self) -> int:
        if self.dag.is_grid:
            return self.rng.choice((0, 1, 1, 2, 3)) * 60 * SECOND
        return int(self.rng.lognormvariate(3, 1.2) * SECOND) + self.rng.randint(1, 999_999)

    def _run(self, happened: Happened, ready: int) -> None:
        task = happened.task
        number = len(happened.past)
        scheduled = ready + self._gap()
        if task.kind == "empty":
            at = scheduled
            execution = Execution(at, None, at, at + (0 if self.dag.is_grid else
                                                      self.rng.randint(0, 9)))
            happened.tries = [Try(number + 1, at, [execution], "success", is_scheduler_run=True)]
            happened.state, happened.done = "success", execution.ended
            return
        if self.is_three and self.rng.random() < 0.015:
            happened.state, happened.is_startless = "failed", True
            happened.decided = happened.done = scheduled + self._gap()
            return
        for left in range(task.retries, -1, -1):
            number += 1
            tried, done = self._try(task, number, scheduled)
            happened.tries.append(tried)
            if tried.state != "failed" or not left:
                break
            delay = 60 if self.dag.is_grid else self.rng.choice((0, 60, 60))
            scheduled = done + delay * SECOND + self._gap()
        happened.state, happened.done = tried.state, done

    def _try(self, task: TaskSpec, number: int, scheduled: int) -> tuple[Try, int]:
        """A try, and when it was over by the scheduler's clock."""
        state = self.rng.choices(("success", "failed", "skipped"), (78, 18, 4))[0]
        waits = {"reschedule": "reschedule", "deferrable": "deferral",
                 "deferrable_sensor": "deferral"}.get(task.kind)
        executions, at = [], scheduled
        for _ in range(self.rng.choice((1, 2, 2, 3)) if waits else 1):
            queued = at + self._gap()
            started = queued + self._gap()
            ended = started + (self._length() // 10 if waits else self._length())
            if state in ("failed", "skipped"):  # no two tries begin at one instant; what the
                ended += ended == started       # scheduler skips takes no time, what a worker does
            executions.append(Execution(at, queued, started, ended))
            at = ended + max(SECOND, 3 * self._length())
        done = executions[-1].ended
        tried = Try(number, scheduled, executions, state, waits if len(executions) > 1 else None,
                    job_id=self.rng.getrandbits(48))
        if state == "failed" and not waits and not self.dag.is_grid and self.rng.random() < 0.1:
            tried.last_seen = self.rng.randint(executions[-1].started, done)
            done = executions[-1].ended = done + self.rng.randint(60, 900) * SECOND
        if self.dag.skew and self.rng.random() < 0.3:
            off = int(self.rng.uniform(-self.dag.skew, self.dag.skew) * SECOND)
            for execution in executions:
                execution.started += off
                execution.ended += off
            tried.last_seen = None if tried.last_seen is None else tried.last_seen + off
        return tried, done


def _all_below(tasks: tuple[TaskSpec, ...], roots: Iterable[str]) -> list[str]:
    found = set(roots)
    for task in tasks:          # in topological order
        if found & set(task.upstreams):
            found.add(task.task_id)
    return sorted(found)
