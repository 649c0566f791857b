"""A company's warehouse of any length of history, and the databases that it goes on from.

    with company_at(days, folder) as place:
        place.tick(until)       what happens until then is committed
        place.cycle()           land -> build -> publish

All days but the last two enter as archive batches, as if they had been landed long ago and cleaned
from the databases since.
"""

import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ingest import landing
from ingest.archive import Archive
from ingest.landing import Cluster, open_door
from ingest.world.company import Company, company
from ingest.world.emit.archive import archive_days
from ingest.world.emit.definitions import prepare
from ingest.world.emit.postgresql import new_postgresql, open_postgresql
from ingest.world.emit.stream import Step, Stream
from ingest.world.live import dates
from ingest.world.simulate import Day, simulate
from tests.databases import Server, postgresql
from windsock.build import Builder
from windsock.publish import publish
from windsock.warehouse import Layout, open_build

LIVE = timedelta(days=2)


@dataclass
class Place:
    """One company, its databases and its warehouse.

    Attributes:
        company: what there is.
        layout, archive: of the warehouse.
        clusters: to land.
        streams: cluster -> its flow of rows.
        builder: of the warehouse.
    """

    company: Company
    layout: Layout
    archive: Archive
    clusters: list[Cluster]
    streams: dict[str, Stream]
    builder: Builder
    _server: Server
    _days: "Days"

    @property
    def instant(self) -> datetime:
        """Until when the databases tell."""
        return min(stream.instant for stream in self.streams.values())

    def tick(self, until: datetime) -> list[tuple[str, str]]:
        """Commit what happened since the last tick, a transaction for each cluster.

        Returns:
            The new runs: cluster, DAG and run id in one text.
        """
        made = []
        for cluster in self.clusters:
            stream = self.streams[cluster.name]
            since, release = stream.instant, stream.definitions.cluster["release"]
            with open_postgresql(_owned(self._server, cluster.name), release) as database:
                step = stream.tick(until, self._days)
                database.upsert(step)
            made += [(cluster.name, f"{dag_id} {run_id}") for dag_id, run_id, at in
                     step.runs["dag_run"].select("dag_id", "run_id", "queued_at").iter_rows()
                     if at > since] if step.runs else []
        return made

    def cycle(self) -> dict[str, float]:
        """One cycle of `windsock run`, as of the instant of the databases; seconds by part."""
        began = time.monotonic()
        clusters = [replace(c, as_of=self.instant) for c in self.clusters]
        con = open_build(self.layout)
        outcomes = landing.land_clusters(con, self.archive, self.layout, clusters)
        con.execute("checkpoint")
        con.close()
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
        landed = time.monotonic()
        self.builder.build()
        built = time.monotonic()
        publish(self.layout)
        return {"land": landed - began, "build": built - landed,
                "publish": time.monotonic() - built}


class Days:
    """Simulated days, kept on disk: each cluster asks for all of them."""

    def __init__(self, company: Company, folder: Path) -> None:
        self.company, self._folder = company, folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, on: date) -> Day:
        """What happens to the runs of a day."""
        path = self._folder / f"{on}.pickle"
        if not path.exists():
            path.write_bytes(pickle.dumps(simulate(self.company, on)))
        day: Day = pickle.loads(path.read_bytes())  # noqa: S301  written by ourselves, just now
        return day


@contextmanager
def company_at(days: int, folder: Path, *, size: str = "pinterest",
               behind: timedelta = timedelta(minutes=30), live: timedelta = LIVE,
               ) -> Iterator[Place]:
    """A company with so many days of history, everything archived, its databases filled.

    Args:
        days: of history; 131,000 instances each at `pinterest`.
        folder: for the warehouse, the archive and days in between.
        size: of the company.
        behind: how far its databases lag behind the clock of the machine, so that ticks of a
            simulated minute can follow each other faster than that.
        live: what the databases still have; older days are in the archive alone.
    """
    instant = datetime.now(UTC) - behind
    made = company(size, ends_at=instant, days=days)
    layout = Layout(folder / "var")
    archive = Archive(str(folder / "archive"))
    known = Days(made, folder / "days")
    with postgresql("shared_buffers=256MB", "max_wal_size=4GB") as server:
        recent = [on for _, on in dates(made, instant) if on >= (instant - live).date()]
        # Audit rows that only the archive had would be buried by the first hourly reconciliation.
        began_at = datetime.combine(recent[0], datetime.min.time(), UTC)
        streams = {row["cluster"]: Stream(prepare(made, row), audit_from=began_at)
                   for row in made.clusters.iter_rows(named=True)}
        clusters = [_database(server, stream) for stream in streams.values()]
        left = _archived(layout, archive, clusters, streams, known, recent)
        for cluster in clusters:
            stream = streams[cluster.name]
            with new_postgresql(_owned(server, cluster.name),
                                stream.definitions.cluster["release"]) as database:
                if left[cluster.name].runs:
                    database.insert(left[cluster.name])
                for on in recent:
                    database.insert(stream.fill(on, known(on), instant))
                database.insert(stream.finish(instant))
                database.finish()
        yield Place(made, layout, archive, clusters, streams, Builder(layout), server, known)


def _owned(server: Server, database: str) -> str:
    """As the administrator: Airflow's own constraints are made last, or set aside for a tick."""
    return f"postgresql://postgres@/{database}?host={server.directory}&port={server.port}"


def _database(server: Server, stream: Stream) -> Cluster:
    name = stream.definitions.cluster["cluster"]
    server.execute(f'create database "{name}"; grant pg_read_all_data to windsock', "postgres")
    return Cluster(name, server.url(name))


def _archived(layout: Layout, archive: Archive, clusters: list[Cluster],
              streams: dict[str, Stream], known: Days, recent: list[date]) -> dict[str, Step]:
    """What the databases keep of the days that only the archive has."""
    made = known.company
    instant = made.ends_at
    old = [on for _, on in dates(made, instant) if on < recent[0]]
    left = {c.name: Step() for c in clusters}
    if not old:
        return left
    cutoff = datetime.combine(old[-1] + timedelta(days=1), datetime.min.time(), UTC)
    with open_build(layout, memory_limit="4GB") as con:
        landing.prepare(con)
        for cluster in clusters:
            done = archive_days(
                open_door(con, archive, layout, cluster), streams[cluster.name],
                ((on, known(on)) for on in old), cutoff=cutoff, instant=instant,
                facts=cluster.facts)
            left[cluster.name] = done.left
    return left
