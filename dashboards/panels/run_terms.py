"""What every second of a run was, in order: the slices that its bar and its waterfall are made of.

    run + steps of one path  ->  slices, end to end from the run's start to its end

Sums are of whole microseconds, so that parts and total agree exactly. Pure; what the terms mean
is in `docs/critical_path.md`. Inside a step the terms stand in the order of `TERMS`: a mart's row
says how long each was, not how they alternated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MICRO = 1_000_000
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Term:
    """A way to spend time: its word in an equation, and what it means."""

    word: str
    meaning: str
    is_wait: bool = True


TERMS: dict[str, Term] = {
    "past": Term("waiting for an earlier run", "until the same task of the run before had ended"),
    "limit": Term("waiting for a limit", "a pool or another limit was full"),
    "scheduler": Term("waiting for the scheduler", "ready, no limit full, not queued yet"),
    "startup": Term("waiting for a worker", "from queued to started: executor, worker, pod"),
    "handoff": Term("waiting, cause not recorded",
                    "between two tasks, where Airflow did not keep what would tell"),
    "external": Term("waiting for the world", "a sensor waited"),
    "deferred": Term("deferred", "in the triggerer"),
    "retry": Term("waiting for a retry", "between a failed try and the next"),
    "running": Term("running", "a worker ran a task of the path", is_wait=False),
    "tail": Term("tail", "from the end of the path's last task to the end of the run"),
    "idle": Term("nothing ran", "no task of the run began"),
}
LEAD = Term("lead", "from the run's start to its first task's start")
_WAITS = {"past": "past_run_wait_seconds", "limit": "limit_wait_seconds",
          "scheduler": "scheduler_wait_seconds", "startup": "startup_wait_seconds"}
_REST = {"external": "external_wait_seconds", "deferred": "deferred_seconds",
         "retry": "retry_wait_seconds", "running": "running_seconds"}


@dataclass(frozen=True)
class Slice:
    """A stretch of a run in which its path did one thing; instants count from the run's start."""

    term: str
    begin: int
    length: int
    step_number: int = 0
    task_id: str | None = None
    map_index: int = -1
    limited_by: str | None = None
    gated_by_run_id: str | None = None
    is_lead: bool = False

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.length / MICRO


@dataclass(frozen=True)
class Part:
    """A piece of the bar: equal terms of all steps together; waits for one limit are one part.

    `of_limits` is how much of the lead was a wait for a limit.
    """

    key: str
    length: int
    limited_by: str = ""
    of_limits: int = 0

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.length / MICRO

    @property
    def word(self) -> str:
        """Its word in an equation."""
        if self.limited_by:
            return f"waiting for {self.limited_by.replace(':', ' ', 1)}"
        return (LEAD if self.key == "lead" else TERMS[self.key]).word

    @property
    def meaning(self) -> str:
        """What it means."""
        return (LEAD if self.key == "lead" else TERMS[self.key]).meaning


def micro(seconds: float | None) -> int:
    """Seconds of a mart as whole microseconds; 0 where they are not known."""
    return 0 if seconds is None else round(seconds * MICRO)


def between(begin: datetime | None, end: datetime | None) -> int:
    """Microseconds from one instant to another; 0 where one is missing or they are turned."""
    if begin is None or end is None:
        return 0
    away = end - begin
    return max(0, (away.days * 86_400 + away.seconds) * MICRO + away.microseconds)


def wall(run: Row) -> int:
    """How long the run took, or takes so far: what its path tiles."""
    return between(run["started_at"], run["path_ended_at"] or run["ended_at"])


def slices(run: Row, steps: Iterable[Row]) -> list[Slice]:
    """Everything of a run along one path, without the slices that took no time.

    Args:
        run: started_at, path_ended_at, ended_at.
        steps: of one path_kind, by step_number: columns of `run__steps`.
    """
    total, at = wall(run), 0
    found: list[Slice] = []
    for step in steps:
        for term, length in _of_step(step):
            kept = min(length, total - at)
            if kept > 0:
                found.append(Slice(
                    term, at, kept, step["step_number"], step["task_id"], step["map_index"],
                    step["limited_by"], step["gated_by_run_id"],
                    is_lead=step["step_number"] == 1 and term in (*_WAITS, "handoff")))
                at += kept
    if total > at:
        found.append(Slice("tail" if found else "idle", at, total - at))
    return found


def _of_step(step: Row) -> list[tuple[str, int]]:
    """The terms of one step; what no part of the handoff explains is a wait without a cause."""
    rest = micro(step["handoff_seconds"])
    waits = []
    for term, column in _WAITS.items():
        part = min(rest, micro(step[column]))
        waits.append((term, part))
        rest -= part
    return [*waits, ("handoff", rest),
            *((term, micro(step[column])) for term, column in _REST.items())]


def parts(found: Sequence[Slice]) -> list[Part]:
    """The bar: the lead, running, then each other term in the order of `TERMS`; no zeros."""
    sums: dict[tuple[str, str], int] = {}
    for one in found:
        key = ("lead", "") if one.is_lead else (
            one.term, (one.limited_by or "") if one.term == "limit" else "")
        sums[key] = sums.get(key, 0) + one.length
    of_limits = sum(one.length for one in found if one.is_lead and one.term == "limit")
    rest = [term for term in TERMS if term not in ("running", "idle", "tail")]
    order = ["lead", "idle", "running", *rest, "tail"]
    return [Part(key, sums[key, limit], limit, of_limits if key == "lead" else 0)
            for key, limit in sorted(sums, key=lambda k: (order.index(k[0]), -sums[k], k[1]))]


def work(found: Iterable[Slice]) -> float:
    """Seconds of work on the path: what it would take without any wait."""
    return sum(one.length for one in found if one.term == "running") / MICRO


def of_step(found: Iterable[Slice], step_number: int) -> list[Slice]:
    """The slices of one step."""
    return [one for one in found if one.step_number == step_number]


def shares(lengths: Sequence[int], total: int) -> list[int]:
    """Whole percents that never add up to more than 100: the largest remainders are rounded up.

    What is left of the total counts as one more part, so that the shares of all parts and of the
    rest together are exactly 100.
    """
    if total <= 0:
        return [0 for _ in lengths]
    every = [*lengths, max(0, total - sum(lengths))]
    points = [100 * length // total for length in every]
    order = sorted(range(len(every)), key=lambda i: (-(100 * every[i] % total), i))
    for i in order[:max(0, 100 - sum(points))]:
        points[i] += 1
    return points[:-1]


def share_text(points: int) -> str:
    """`61 %`; what is less than half a percent is not nothing."""
    return f"{points} %" if points else "<1 %"
