"""Cuts a run's wall clock into the steps of its path.

    listed instances in order  ->  one segment each  ->  running, waiting, deferred …, without a gap

`docs/critical_path.md`, sections 2 (overlaps), 5 and 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from windsock.critical_path_gates import Gate
from windsock.critical_path_records import (
    Attempt,
    FirstWait,
    Instance,
    Step,
    Terms,
)

_FAILED = frozenset({"failed", "up_for_retry"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """An attempt with both its ends, inside the run's window."""

    start: int
    end: int
    attempt: Attempt

    @property
    def has_failed(self) -> bool:
        """Whether what comes behind it is a wait for the next try."""
        return self.attempt.state in _FAILED


@dataclass(frozen=True, slots=True)
class Listed:
    """An instance of the path, its end, and what gated it from another run."""

    instance: Instance
    ended_at: int
    gate: Gate


def tile(listed: Sequence[Listed], window: tuple[int, int]) -> list[Step]:
    """The steps of a path.

    Args:
        listed: the instances that ran, the first one first.
        window: begin and end of the run.

    Returns:
        One step each; their segments lie end to end from the begin of the window.
    """
    start, end = window
    before = [start, *(_cut(x.ended_at, start, end) for x in listed[:-1])]
    relevant: list[list[Stretch]] = []
    skewed: list[bool] = []
    begins: list[int] = []
    for place, ready in enumerate(before[:len(listed)]):
        stretches, has_skew = _stretches(listed[place], window)
        found = [s for s in stretches if s.end > ready] or stretches
        relevant.append(found)
        skewed.append(has_skew)
        begins.append(min(ready, found[0].start) if place else start)
    for place in range(len(listed) - 2, -1, -1):
        begins[place] = min(begins[place], begins[place + 1])
    bounds = [*begins, max(begins[-1], _cut(listed[-1].ended_at, start, end))] if listed else []
    steps = []
    for place, segment in enumerate(pairwise(bounds)):
        x = listed[place].instance
        steps.append(Step(
            number=place + 1, task_id=x.task_id, map_index=x.map_index,
            begins_at=segment[0], ends_at=segment[1],
            terms=_spent(relevant[place], segment, is_external=x.is_external),
            first_wait=_first_wait(listed[place], relevant[place][0], segment),
            gated_by_run_id=listed[place].gate.run_id,
            has_clock_skew=skewed[place], has_missing_tries=x.has_missing_tries))
    return steps


def _cut(at: int, low: int, high: int) -> int:
    return max(low, min(at, high))


def _stretches(listed: Listed, window: tuple[int, int]) -> tuple[list[Stretch], bool]:
    """The attempts with ends, none reaching into the one before; whether one did."""
    attempts = listed.instance.attempts
    begins_next: list[int | None] = [*(a.started_at for a in attempts[1:]), None]
    found: list[Stretch] = []
    has_skew = False
    free_from: int | None = None
    for attempt, following in zip(attempts, begins_next, strict=True):
        start, end = attempt.started_at, attempt.end
        if end is None:
            end = listed.ended_at if following is None else following
        if free_from is not None and start < free_from:
            start, has_skew = free_from, True
        free_from = end = max(start, end)
        found.append(Stretch(_cut(start, *window), _cut(end, *window), attempt))
    return found, has_skew


def _spent(stretches: Sequence[Stretch], segment: tuple[int, int], *, is_external: bool) -> Terms:
    """Section 5, rule 4: walk through the attempts with a cursor."""
    cursor, close = segment
    terms = Terms()
    previous: Stretch | None = None
    for stretch in stretches:
        start = _cut(stretch.start, cursor, close)
        end = _cut(stretch.end, start, close)
        terms += _waited(start - cursor, previous)
        terms += _worked(stretch.attempt, (start, end), is_external=is_external)
        cursor, previous = end, stretch
    return terms + _waited(close - cursor, previous)


def _waited(length: int, after: Stretch | None) -> Terms:
    if after is not None and after.has_failed:
        return Terms(retry_wait=length)
    return Terms(handoff=length)


def _worked(attempt: Attempt, between: tuple[int, int], *, is_external: bool) -> Terms:
    start, end = between
    if is_external:
        return Terms(external_wait=end - start)
    if not attempt.deferrals and _is_queued_again(attempt):
        # deferred, and nothing recorded when
        resumed = _cut(attempt.queued_at or start, start, end)
        return Terms(handoff=resumed - start, running=end - resumed)
    deferred, cursor = 0, start
    for since, until in sorted(attempt.deferrals, key=lambda d: d[0]):
        since = _cut(since, cursor, end)
        cursor = _cut(end if until is None else until, since, end)
        deferred += cursor - since
    return Terms(running=end - start - deferred, deferred=deferred)


def _is_queued_again(attempt: Attempt) -> bool:
    queued, end = attempt.queued_at, attempt.ended_at
    return queued is not None and queued > attempt.started_at and (end is None or queued <= end)


def _first_wait(listed: Listed, first: Stretch, segment: tuple[int, int]) -> FirstWait:
    """Section 6, but for the limits: they are a part of what came before queueing."""
    begin, attempt = segment[0], first.attempt
    start = _cut(first.start, *segment)
    free = begin if listed.gate.ended_at is None else _cut(listed.gate.ended_at, begin, start)
    wait = FirstWait(free - begin, None, None, is_recorded=attempt.scheduled_at is not None)
    if listed.instance.is_scheduler_run:
        return replace(wait, before_queue_wait=start - free, startup_wait=0)
    if attempt.queued_at is None:
        return wait
    queued = _cut(attempt.queued_at, free, start)
    return replace(wait, before_queue_wait=queued - free, startup_wait=start - queued)
