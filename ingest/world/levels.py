"""Plays a plan whose runs hold nobody up: level by level, all runs at once.

    Plan + when each run starts  ->  Story

Every limit is taken to be roomy here; what fills a limit is played by `ingest/world/exact.py`.
"""

from dataclasses import dataclass

import numpy as np

from ingest.world.atlas import NEVER, RULES, Bools, Ints
from ingest.world.plan import (
    FAILED,
    SKIPPED,
    SUCCESS,
    UPSTREAM_FAILED,
    Plan,
    distinct,
    finish,
    spans,
)
from ingest.world.story import Story, blank, close

RULE = {name: number for number, name in enumerate(RULES)}


@dataclass
class Cells:
    """What a cell looks like to those that wait for it, by cell; NEVER and -1: nobody did.

    `end` is when its last instance was done; `success`, `failure` and `skip` when the first one
    succeeded, failed or was skipped, each with the instance that it was.
    """

    end: Ints
    last: Ints
    success: Ints
    failure: Ints
    failed: Ints
    skip: Ints
    skipped: Ints
    first_success: Ints


@dataclass
class Verdict:
    """What is decided for some cells: run or a state, since when, and who let them go."""

    state: Ints         # 0: it runs
    at: Ints
    gate: Ints
    is_forced: Bools    # a branch did not choose it


def play(p: Plan, run_queued: Ints, run_started: Ints) -> Story:
    """Everything that happens to the runs, to the end of each."""
    story = blank(p, run_queued, run_started)
    count = len(p.cell_task)
    cells = Cells(*(np.full(count, fill, dtype=np.int64)
                    for fill in (0, -1, NEVER, NEVER, -1, NEVER, -1, -1)))
    edge_level = p.cell_level[p.edge_down]
    order = np.argsort(p.cell_level, kind="stable")
    levels = int(p.cell_level.max(initial=-1)) + 1
    cell_cut = np.searchsorted(p.cell_level[order], np.arange(levels + 1))
    edge_cut = np.searchsorted(edge_level, np.arange(levels + 1))
    for level in range(levels):
        here = order[cell_cut[level]:cell_cut[level + 1]]
        edges = slice(edge_cut[level], edge_cut[level + 1])
        verdict = _roots(story, here) if level == 0 else _verdict(story, cells, here, edges)
        _act(story, here, verdict)
        _look(story, cells, here)
    close(story)
    return story


def _roots(story: Story, here: Ints) -> Verdict:
    none = np.zeros(len(here), dtype=np.int64)
    return Verdict(none, story.run_started[story.plan.cell_run[here]], none - 1, none > 0)


def _verdict(story: Story, cells: Cells, here: Ints, edges: slice) -> Verdict:
    """By the trigger rules; a branch's choice beats them."""
    p = story.plan
    up, down = p.edge_up[edges], p.edge_down[edges]
    starts = np.flatnonzero(np.diff(down, prepend=-1))
    where = np.repeat(np.arange(len(here)), np.diff(starts, append=len(down)))
    end, last = _pick(cells.end[up], cells.last[up], starts, where, np.maximum)
    failure, failed = _pick(cells.failure[up], cells.failed[up], starts, where, np.minimum)
    skip, skipped = _pick(cells.skip[up], cells.skipped[up], starts, where, np.minimum)
    success, first = _pick(cells.success[up], cells.first_success[up], starts, where, np.minimum)
    rule = p.atlas.task_rule[p.cell_task[here]]
    found = Verdict(np.zeros(len(here), dtype=np.int64), end, last,
                    np.zeros(len(here), dtype=bool))

    def decide(which: Bools, state: int, at: Ints, gate: Ints) -> None:
        found.state = np.where(which, state, found.state)
        found.at, found.gate = np.where(which, at, found.at), np.where(which, gate, found.gate)

    has_failed, has_success = failure < NEVER, success < NEVER
    fails = has_failed & (rule != RULE["all_done"])
    strict = rule == RULE["all_success"]
    decide(strict & (skip < failure), SKIPPED, skip, skipped)
    decide(strict & (failure < skip), UPSTREAM_FAILED, failure, failed)
    lenient = (rule == RULE["none_failed"]) | (rule == RULE["none_failed_min_one_success"])
    decide(lenient & fails, UPSTREAM_FAILED, failure, failed)
    decide((rule == RULE["none_failed_min_one_success"]) & ~fails & ~has_success, SKIPPED, end,
           last)
    decide((rule == RULE["one_failed"]) & has_failed, 0, failure, failed)
    decide((rule == RULE["one_failed"]) & ~has_failed, SKIPPED, end, last)
    one = rule == RULE["one_success"]
    decide(one & has_success, 0, success, first)
    decide(one & ~has_success & has_failed, UPSTREAM_FAILED, end, failed)
    decide(one & ~has_success & ~has_failed, SKIPPED, end, last)
    decide(rule == RULE["always"], 0, story.run_started[p.cell_run[here]],
           np.full(len(here), -1))
    _force(story, cells, found, (up, where, p.edge_option[edges]))
    return found


def _pick(at: Ints, who: Ints, starts: Ints, where: Ints, best: np.ufunc) -> tuple[Ints, Ints]:
    """The latest or earliest instant of each cell's edges, and whose it is."""
    found: Ints = best.reduceat(at, starts)
    place = np.flatnonzero(at == found[where])
    owner = np.full(len(starts), -1, dtype=np.int64)
    owner[where[place[::-1]]] = who[place[::-1]]        # of equals the first edge's
    return found, owner


def _force(story: Story, cells: Cells, found: Verdict, edges: tuple[Ints, Ints, Ints]) -> None:
    """What a branch did not choose is skipped when it ends."""
    up, where, option = edges
    chosen = story.plan.choice[up]
    branch = cells.last[up]
    is_out = (option >= 0) & (option != chosen) & (story.state[branch] == SUCCESS)
    hit = where[is_out]
    found.state[hit], found.is_forced[hit] = SKIPPED, True
    found.at[hit], found.gate[hit] = cells.end[up[is_out]], branch[is_out]


def _act(story: Story, here: Ints, verdict: Verdict) -> None:
    """Runs what runs, stamps what does not."""
    p = story.plan
    counts = p.cell_first[here + 1] - p.cell_first[here]
    which = spans(p.cell_first[here], counts)
    state, at = np.repeat(verdict.state, counts), np.repeat(verdict.at, counts)
    story.gate[which], story.ready[which] = np.repeat(verdict.gate, counts), at
    runs = state == 0
    run_tries(story, which[runs], at[runs])
    out = which[~runs]
    forced = np.repeat(verdict.is_forced, counts)
    decide_never(story, out, (state[~runs], at[~runs], forced[~runs]))
    story.is_there[out] = out == p.cell_first[p.instance_cell[out]]


def decide_never(story: Story, which: Ints, decision: tuple[Ints, Ints, Bools]) -> None:
    """Stamps instances that never run.

    Args:
        story: their gates are known already.
        which: the instances.
        decision: state, when it was due, and whether a branch made it: such a stamp is a moment
            before the branch's own end, and counts from that end on.
    """
    p = story.plan
    state, at, forced = decision
    began, ended = last_try(story, story.gate[which])
    early = ended - np.minimum((ended - began) // 2, p.gap[which, 0] // 8)
    stamp = np.where(forced, early, distinct(p, which, at + p.gap[which, 0]))
    story.state[which], story.stamp[which] = state, stamp
    story.done[which] = np.where(forced, at, stamp)


def last_try(story: Story, which: Ints) -> tuple[Ints, Ints]:
    """Begin and end of the last try."""
    number = np.maximum(story.tries[which] - 1, 0)
    return story.started[which, number], story.ended[which, number]


def run_tries(story: Story, which: Ints, ready: Ints) -> None:
    """Plays tries until one does not fail or none is left."""
    p = story.plan
    for number in range(p.gap.shape[1]):
        if not len(which):
            return
        task = p.cell_task[p.instance_cell[which]]
        is_empty = p.atlas.task_is_empty[task]
        scheduled = ready + p.gap[which, number]
        queued = scheduled + np.where(is_empty, 0, p.queue_gap[which, number])
        started = queued + np.where(is_empty, 0, p.startup[which, number])
        more = settle(story, number, which, started)
        story.scheduled[which, number] = scheduled
        story.queued[which, number] = np.where(is_empty, 0, queued)
        ready = (story.ended[which, number] + p.atlas.task_delay[task])[more]
        which = which[more]


def settle(story: Story, number: int, which: Ints, started: Ints) -> Bools:
    """Writes down a try, and tells which instances try again."""
    p = story.plan
    ended, state, error = finish(p, number, which, started)
    story.started[which, number], story.ended[which, number] = started, ended
    story.try_state[which, number], story.try_error[which, number] = state, error
    story.tries[which] = number + 1
    task = p.cell_task[p.instance_cell[which]]
    more: Bools = (state == FAILED) & (number < p.atlas.task_retries[task])
    over = which[~more]
    story.state[over], story.done[over] = state[~more], ended[~more]
    return more


def _look(story: Story, cells: Cells, here: Ints) -> None:
    """How the cells of a level look once they are done."""
    p = story.plan
    counts = p.cell_first[here + 1] - p.cell_first[here]
    which = spans(p.cell_first[here], counts)
    starts, where = np.cumsum(counts) - counts, np.repeat(np.arange(len(here)), counts)
    there, done, state = story.is_there[which], story.done[which], story.state[which]
    is_bad = (state == FAILED) | (state == UPSTREAM_FAILED)
    end = np.where(there, done, 0)
    cells.end[here], cells.last[here] = _pick(end, which, starts, where, np.maximum)
    for at, who, those in ((cells.success, cells.first_success, state == SUCCESS),
                           (cells.failure, cells.failed, is_bad),
                           (cells.skip, cells.skipped, state == SKIPPED)):
        at[here], who[here] = _pick(np.where(there & those, done, NEVER), which, starts, where,
                                    np.minimum)
