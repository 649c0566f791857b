"""A company's Airflows in one folder, kept alive.

    make(company, folder, instant)    ->  databases, task logs, resource samples as of an instant
    resume(company, folder, instant)  ->  the same, where they are already
    world.tick(until)                 ->  what happened since is written: runs, tries, heartbeats

    <folder>/<cluster>/airflow.db, logs/, usage/
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from ingest.world.company import Company
from ingest.world.emit.databases import Database, SqliteDatabase, new_sqlite, open_sqlite
from ingest.world.emit.definitions import prepare
from ingest.world.emit.logs import write_logs
from ingest.world.emit.stream import Stream
from ingest.world.emit.usage import write_usage
from ingest.world.simulate import Day, simulate

Progress = Callable[[str, float], None]


@dataclass
class Airflow:
    """One cluster: its database, its logs and samples, and what they were told last.

    Attributes:
        stream: its flow of rows.
        folder: where its files lie.
    """

    stream: Stream
    folder: Path

    @property
    def name(self) -> str:
        """The cluster's name."""
        name: str = self.stream.definitions.cluster["cluster"]
        return name

    @property
    def release(self) -> str:
        """The release of Airflow that it looks like."""
        release: str = self.stream.definitions.cluster["release"]
        return release

    @property
    def path(self) -> Path:
        """Its database."""
        return self.folder / "airflow.db"

    def new(self) -> AbstractContextManager[SqliteDatabase]:
        """An empty database in place of the one that is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("airflow.db*"):
            path.unlink()
        return new_sqlite(self.path, self.release)

    def write_files(self, since: datetime, until: datetime) -> None:
        """Logs and samples of what happened in a window, of the days that were told last."""
        for day in self.stream.told_days:
            write_logs(self.folder / "logs", day, self.stream.definitions, since, until)
            write_usage(self.folder / "usage", day, self.stream.definitions, since, until)


class World:
    """The Airflows of a company, at an instant."""

    def __init__(self, company: Company, folder: Path) -> None:
        self.company = company
        self.instant = company.began_at
        self.airflows = [
            Airflow(Stream(prepare(company, row)), folder / row["cluster"])
            for row in company.clusters.iter_rows(named=True)]
        self._simulate = lru_cache(maxsize=3)(lambda on: simulate(company, on))

    def tick(self, until: datetime) -> None:
        """Write what happened since the last tick.

        Args:
            until: UTC; earlier than the last tick, nothing happens.
        """
        if until <= self.instant:
            return
        for airflow in self.airflows:
            with open_sqlite(airflow.path, airflow.release) as database:
                advance(airflow.stream, database, until, self.day)
            airflow.write_files(self.instant, until)
        self.instant = until

    def day(self, on: date) -> Day:
        """What happens to the runs of a day; kept for the other clusters."""
        day: Day = self._simulate(on)
        return day


def make(company: Company, folder: Path, instant: datetime, *,
         told: Progress | None = None) -> World:
    """Write everything that happened until an instant into empty databases.

    Args:
        company: whose history.
        folder: gets a folder a cluster.
        instant: UTC.
        told: hears (what, share of it that is done).
    """
    world = World(company, folder)
    since = company.began_at - timedelta(microseconds=1)
    with ExitStack() as stack:
        databases = [(a, stack.enter_context(a.new())) for a in world.airflows]
        for share, on in dates(company, instant):
            for airflow, database in databases:
                database.insert(airflow.stream.fill(on, world.day(on), instant))
                airflow.write_files(since, instant)
            if told:
                told("the demonstration", share)
        for airflow, database in databases:
            database.insert(airflow.stream.finish(instant))
            database.finish()
    world.instant = instant
    return world


def resume(company: Company, folder: Path, instant: datetime) -> World:
    """The world of databases that were written until an instant, by `make` and ticks."""
    world = World(company, folder)
    for _, on in dates(company, instant):
        for airflow in world.airflows:
            airflow.stream.fill(on, world.day(on), instant)
    for airflow in world.airflows:
        airflow.stream.finish(instant)
    world.instant = instant
    return world


def advance(stream: Stream, database: Database, until: datetime,
            day: Callable[[date], Day]) -> None:
    """One tick of one database."""
    database.upsert(stream.tick(until, day))


def dates(company: Company, until: datetime) -> Iterator[tuple[float, date]]:
    """The days of a company's history, with the share that is done after each."""
    first = company.began_at.date()
    count = (until.date() - first).days + 1
    for number in range(count):
        yield (number + 1) / count, first + timedelta(days=number)
