"""Plays a plan whose runs fill limits: event by event, in the order of time.

    Plan + when runs are due  ->  the same Story as levels.py tells, with the waits for limits

The scheduler gives slots by priority, then by who waits longest; a task that does not fit lets
smaller ones pass. A limit is held from the decision until the try ends, as in Airflow.
"""

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from ingest.world.atlas import Ints
from ingest.world.due import SCHEDULED
from ingest.world.levels import RULE, decide_never, settle
from ingest.world.plan import FAILED, SKIPPED, SUCCESS, UPSTREAM_FAILED, Plan
from ingest.world.story import Story, blank, close

Token = tuple[str, object]


@dataclass(frozen=True)
class Limits:
    """What may be full.

    Attributes:
        needs: per instance: which limits it takes how much of.
        sizes: of each limit.
        max_runs: per run: how many of its DAG may go on at a time.
        dag: of each run.
        priority: per instance.
    """

    needs: list[list[tuple[Token, int]]]
    sizes: dict[Token, int]
    max_runs: Ints
    dag: Ints
    priority: Ints


@dataclass(frozen=True)
class Arrivals:
    """When runs are due, why, and how long the scheduler takes to make and to start each."""

    at: Ints
    kind: Ints
    lag: Ints
    start_gap: Ints


@dataclass
class Floor:
    """The state of the simulation between two events."""

    story: Story
    limits: Limits
    arrivals: Arrivals
    events: list[tuple[int, int, str, int]] = field(default_factory=list)
    used: dict[Token, int] = field(default_factory=lambda: defaultdict(int))
    waiting: list[tuple[int, int, int]] = field(default_factory=list)
    active: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    lined_up: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    number: int = 0

    def __post_init__(self) -> None:
        p = self.story.plan
        self.down: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for down, up, option in zip(p.edge_down.tolist(), p.edge_up.tolist(),
                                    p.edge_option.tolist(), strict=True):
            self.down[up].append((down, option))
        self.missing = np.bincount(p.edge_down, minlength=len(p.cell_task)).tolist()
        self.left = np.diff(p.cell_first).tolist()
        self.cells_left = np.bincount(p.cell_run, minlength=len(p.run_version)).tolist()
        self.is_decided = [False] * len(p.cell_task)
        self.has_success = [False] * len(p.cell_task)
        self.first_failed = [-1] * len(p.cell_task)

    def push(self, at: int, what: str, who: int) -> None:
        """Something will happen."""
        self.number += 1
        heapq.heappush(self.events, (int(at), self.number, what, int(who)))

    # --- runs ----------------------------------------------------------------------------------

    def due(self, at: int, run: int) -> None:
        """A run lines up for its DAG's places."""
        dag = int(self.limits.dag[run])
        self.lined_up[dag].append(run)
        self.admit(at, dag)

    def admit(self, at: int, dag: int) -> None:
        """Runs that have a place start."""
        line = self.lined_up[dag]
        while line and self.active[dag] < self.limits.max_runs[line[0]]:
            run = line.pop(0)
            self.active[dag] += 1
            is_scheduled = self.arrivals.kind[run] == SCHEDULED
            made = at + self.arrivals.lag[run] if is_scheduled else self.arrivals.at[run]
            self.story.run_queued[run] = made
            self.story.run_started[run] = max(at, made) + self.arrivals.start_gap[run]
            self.push(self.story.run_started[run], "begin", run)

    def begin(self, at: int, run: int) -> None:
        """Tasks without upstream are ready, and those that wait for none."""
        p = self.story.plan
        first = int(p.run_cell[run])
        last = first + int(p.atlas.version_size[p.run_version[run]])
        for cell in range(first, last):
            rule = p.atlas.task_rule[p.cell_task[cell]]
            if p.cell_level[cell] == 0 or rule == RULE["always"]:
                self.run_cell(at, cell, -1)

    def over(self, at: int, run: int) -> None:
        """A run has ended: the next one may start."""
        dag = int(self.limits.dag[run])
        self.active[dag] -= 1
        self.admit(at, dag)

    # --- instances -----------------------------------------------------------------------------

    def run_cell(self, at: int, cell: int, gate: int) -> None:
        """All instances of a task become ready."""
        p = self.story.plan
        self.is_decided[cell] = True
        for who in range(int(p.cell_first[cell]), int(p.cell_first[cell + 1])):
            self.story.ready[who], self.story.gate[who] = at, gate
            self.push(at + p.gap[who, 0], "want", who)

    def never(self, at: int, cell: int, gate: int, state: int, *, is_forced: bool = False) -> None:
        """A task is skipped or fails with its upstream; a mapped one is not expanded then."""
        story, p = self.story, self.story.plan
        self.is_decided[cell] = True
        first, last = int(p.cell_first[cell]), int(p.cell_first[cell + 1])
        story.gate[first:last], story.ready[first:last] = gate, at
        which = np.arange(first, last)
        decide_never(story, which, (np.full(len(which), state), np.full(len(which), at),
                                    np.full(len(which), is_forced)))
        story.is_there[first + 1:last] = False
        self.left[cell] = 1
        self.push(story.done[first], "done", first)

    def want(self, at: int, who: int) -> None:
        """A try is scheduled."""
        p, number = self.story.plan, int(self.story.tries[who])
        self.story.scheduled[who, number] = at
        if p.atlas.task_is_empty[p.cell_task[p.instance_cell[who]]]:
            self.start(at, who, number)
            return
        heapq.heappush(self.waiting, (-int(self.limits.priority[who]), at, who))
        self.hand_out(at)

    def hand_out(self, at: int) -> None:
        """Slots for those that fit, the most important first."""
        p, passed = self.story.plan, []
        while self.waiting:
            item = heapq.heappop(self.waiting)
            who = item[2]
            needs = self.limits.needs[who]
            if any(self.used[token] + n > self.limits.sizes[token] for token, n in needs):
                passed.append(item)
                continue
            for token, n in needs:
                self.used[token] += n
            number = int(self.story.tries[who])
            queued = at + int(p.queue_gap[who, number])
            self.story.queued[who, number] = queued
            self.start(queued + int(p.startup[who, number]), who, number)
        self.waiting = passed       # popped in order: still a heap

    def start(self, at: int, who: int, number: int) -> None:
        """A try begins, and with that it is known how it ends."""
        which, started = np.array([who]), np.array([at])
        more = settle(self.story, number, which, started)
        ended = int(self.story.ended[who, number])
        self.push(ended, "retry" if more[0] else "end", who)

    def retry(self, at: int, who: int) -> None:
        """A try has failed and another one will come."""
        p = self.story.plan
        task = p.cell_task[p.instance_cell[who]]
        self.release(at, who)
        gap = p.gap[who, int(self.story.tries[who])]
        self.push(at + int(p.atlas.task_delay[task] + gap), "want", who)

    def end(self, at: int, who: int) -> None:
        """An instance has ended."""
        p = self.story.plan
        if not p.atlas.task_is_empty[p.cell_task[p.instance_cell[who]]]:
            self.release(at, who)
        self.done(at, who)

    def release(self, at: int, who: int) -> None:
        """It gives back what it held."""
        for token, n in self.limits.needs[who]:
            self.used[token] -= n
        self.hand_out(at)

    # --- trigger rules -------------------------------------------------------------------------

    def done(self, at: int, who: int) -> None:
        """What waits for an instance looks at how it ended."""
        p = self.story.plan
        cell = int(p.instance_cell[who])
        self.left[cell] -= 1
        is_complete = self.left[cell] == 0
        for down, option in self.down[cell]:
            self.missing[down] -= is_complete
            if not self.is_decided[down]:
                self.look(at, who, down, option)
        if is_complete:
            run = int(p.cell_run[cell])
            self.cells_left[run] -= 1
            if self.cells_left[run] == 0:
                self.push(at + int(p.run_gap[run]), "over", run)

    def look(self, at: int, who: int, down: int, option: int) -> None:
        """One upstream instance has ended: is the cell below decided by that?"""
        p, state = self.story.plan, int(self.story.state[who])
        rule = int(p.atlas.task_rule[p.cell_task[down]])
        is_bad = state in (FAILED, UPSTREAM_FAILED)
        self.has_success[down] |= state == SUCCESS
        if is_bad and self.first_failed[down] < 0:
            self.first_failed[down] = who
        if option >= 0 and state == SUCCESS and option != p.choice[p.instance_cell[who]]:
            self.never(at, down, who, SKIPPED, is_forced=True)
        elif is_bad and rule in _STOPPED_BY_FAILURE:
            self.never(at, down, who, UPSTREAM_FAILED)
        elif state == SKIPPED and rule == RULE["all_success"]:
            self.never(at, down, who, SKIPPED)
        elif (is_bad and rule == RULE["one_failed"]) or (
                state == SUCCESS and rule == RULE["one_success"]):
            self.run_cell(at, down, who)
        elif self.missing[down] == 0:
            self.last_look(at, who, down, rule)

    def last_look(self, at: int, who: int, down: int, rule: int) -> None:
        """All have ended, and none decided alone."""
        lacks_success = rule == RULE["none_failed_min_one_success"] and not self.has_success[down]
        if rule == RULE["one_success"] and self.first_failed[down] >= 0:
            self.never(at, down, self.first_failed[down], UPSTREAM_FAILED)
        elif rule in (RULE["one_failed"], RULE["one_success"]) or lacks_success:
            self.never(at, down, who, SKIPPED)
        else:
            self.run_cell(at, down, who)


_STOPPED_BY_FAILURE = (RULE["all_success"], RULE["none_failed"],
                       RULE["none_failed_min_one_success"])


def play_exactly(p: Plan, limits: Limits, arrivals: Arrivals) -> Story:
    """Everything that happens to the runs, with the waits for limits."""
    nothing = np.zeros(len(p.run_version), dtype=np.int64)
    floor = Floor(blank(p, nothing, nothing), limits, arrivals)
    for run in np.argsort(arrivals.at, kind="stable"):
        floor.push(arrivals.at[run], "due", run)
    while floor.events:
        at, _, what, who = heapq.heappop(floor.events)
        getattr(floor, what)(at, who)
    close(floor.story)
    return floor.story
