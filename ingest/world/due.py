"""Which runs fall due on a date, before anything has happened on it.

    Company, date, wave  ->  Due: DAG, when, and why, of each run
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ingest.world.atlas import NEVER, Atlas, Ints, instants
from ingest.world.company import Company
from ingest.world.drafts import DAY_SECONDS, SECOND

SCHEDULED, MANUAL, TRIGGERED, ASSET = range(4)
MINUTE = 60 * SECOND
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Due:
    """Runs: by schedule, by a person, by a task, by an asset.

    Attributes:
        dag: its number.
        at: when it is due; for others than scheduled runs: when it was made.
        kind: why there is a run.
        cause: the instance that caused it, in what was simulated before; -1: none.
        step: of scheduled runs, the time since the one before.
    """

    dag: Ints
    at: Ints
    kind: Ints
    cause: Ints
    step: Ints

    def only(self, which: Ints) -> "Due":
        """Some of them."""
        return Due(self.dag[which], self.at[which], self.kind[which], self.cause[which],
                   self.step[which])


def midnight(day: date) -> int:
    """The beginning of a day, in microseconds."""
    return (day - _EPOCH).days * DAY_SECONDS * SECOND


def by_time(company: Company, day: date, rng: np.random.Generator) -> Due:
    """Scheduled runs and those that people start."""
    rhythms, dags = company.rhythms, company.dags
    rows: list[tuple[int, int, int, int]] = []
    begin = midnight(day)
    for dag, (minutes, weekdays) in enumerate(zip(rhythms["minutes"].to_list(),
                                                  rhythms["weekdays"].to_list(), strict=True)):
        if day.weekday() in weekdays:
            rows += [(dag, begin + m * MINUTE, SCHEDULED, step * MINUTE)
                     for m, step in zip(minutes, _steps(minutes, weekdays), strict=True)]
    often = rhythms["manual_ratio"].to_numpy() * (day.weekday() < 5)
    for dag in np.flatnonzero(rng.random(dags.height) < often).tolist():
        at = begin + int(rng.uniform(8 * 3_600, 18 * 3_600) * SECOND)
        rows.append((dag, at, MANUAL, 0))
    table = np.array(sorted(rows, key=lambda r: (r[1], r[0])), dtype=np.int64).reshape(-1, 4)
    found = Due(table[:, 0], table[:, 1], table[:, 2], np.full(len(table), -1), table[:, 3])
    return found.only(np.flatnonzero(_is_allowed(company, found)))


def _steps(minutes: list[int], weekdays: list[int]) -> list[int]:
    """Minutes since the time before, for each."""
    if len(weekdays) < 7:
        return [7 * DAY_SECONDS // 60] * len(minutes)
    before = [minutes[-1] - DAY_SECONDS // 60, *minutes[:-1]] if minutes else []
    return [m - b for m, b in zip(minutes, before, strict=True)]


def _is_allowed(company: Company, due: Due) -> np.ndarray:
    """Whether the DAG has runs at that time: not paused, gone, ended, stuck, not yet begun."""
    first = instants(company, "runs_from_at", 0)[due.dag]
    last = instants(company, "runs_until_at", NEVER)[due.dag]
    stuck = instants(company, "stuck_at", NEVER)[due.dag]
    day = DAY_SECONDS * SECOND
    is_stuck_run = (due.at >= stuck) & (due.at < stuck + day)
    return (due.at >= first) & (due.at < last) & ((due.at < stuck) | is_stuck_run)


def versions_at(world: Atlas, due: Due) -> Ints:
    """The newest version of each run's DAG when the run is made; the first one before that."""
    first, last = world.dag_first_version[due.dag], world.dag_first_version[due.dag + 1]
    found = first.copy()
    for ahead in range(1, int((last - first).max(initial=1))):
        later = np.minimum(first + ahead, last - 1)
        found = np.where(world.version_from[later] <= due.at, later, found)
    return found


def days_since(company: Company, day: date) -> float:
    """Whole days from the beginning of the history."""
    return float((day - company.began_at.date()) / timedelta(days=1))
