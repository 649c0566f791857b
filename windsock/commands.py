"""What each command does. With `cli.py` and `serving.py` the only place that may import every room.

land -> build -> publish      (`run`; each alone too)      the writer's lock around each cycle
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import duckdb

from ingest import keeping, landing, sample
from ingest.archive import Archive
from ingest.compact import Report, is_due
from ingest.grants import grants_sql
from ingest.replay import replay as replay_batches
from ingest.retention import is_unbuilt
from ingest.sources.airflow_db.extract import Options
from ingest.sources.airflow_db.readers import ReadLimits
from ingest.sources.airflow_db.readers.address import parse_address
from ingest.sources.airflow_db.steps import Pace
from windsock import clock, logs
from windsock.build import Builder
from windsock.config import Config
from windsock.errors import WarehouseError, WindsockError
from windsock.publish import Published, publish
from windsock.warehouse import Layout, layout_of, open_build, writer_lock

LOG = logging.getLogger("windsock")
# Between two cycles of a first load that takes hours, pages show what is there already.
_HISTORY_A_CYCLE = timedelta(seconds=60)
# An archive that was never compacted is, a little with each cycle.
_KEEPING_A_CYCLE = timedelta(seconds=20)


@dataclass
class Windsock:
    """One configured Windsock: what the commands work on.

    Attributes:
        config: the configuration.
        reconcile: force a level of reconciliation.
    """

    config: Config
    reconcile: str | None = None
    _builder: Builder | None = field(default=None, repr=False)

    @property
    def layout(self) -> Layout:
        """Folders of the warehouse."""
        return layout_of(self.config)

    @property
    def archive(self) -> Archive:
        """The archive."""
        if self.config.origin.kind == "sample":
            return Archive(str(self.layout.root / "archive"))
        return Archive(self.config.warehouse.archive)

    @property
    def builder(self) -> Builder:
        """dbt, kept between cycles."""
        if self._builder is None:
            self._builder = Builder(self.layout)
        return self._builder

    def settings(self, *, history_time: timedelta | None) -> landing.Settings:
        """How to land, from the configuration."""
        chosen = self.config.landing
        detail = timedelta(days=self.config.retention.task_instances)
        return landing.Settings(
            pace=Pace(
                timedelta(minutes=chosen.overlap_minutes),
                # What would expire at once is not read.
                min(timedelta(days=self.config.warehouse.history_days), detail),
                chosen.page_runs,
                detail,
            ),
            limits=ReadLimits(statement_seconds=chosen.statement_timeout_seconds),
            options=Options(self.config.secrets.names, chosen.notes, chosen.source_code),
            pause=timedelta(seconds=chosen.pause_seconds),
            history_time=history_time,
            reconcile=self.reconcile,
        )


def land(windsock: Windsock, *, history_time: timedelta | None = None) -> bool:
    """Land every cluster once.

    Args:
        windsock: what to land.
        history_time: leave the rest of a first load to the next cycle after this long.

    Returns:
        Whether every cluster could be read; the log says which not, and why.

    Raises:
        WindsockError: the archive or the build file cannot be written.
    """
    layout = windsock.layout
    is_sample = windsock.config.origin.kind == "sample"
    if is_sample:
        sample.unpack_archive(windsock.archive)
    with (
        _writing(layout) as con,
        (
            sample.clusters(con) if is_sample else nullcontext(landing_clusters(windsock.config))
        ) as clusters,
        logs.progress("landing") as told,
    ):
        outcomes = landing.land_clusters(
            con,
            windsock.archive,
            layout,
            clusters,
            windsock.settings(history_time=history_time),
            progress=told,
        )
    return all(o.error is None for o in outcomes)


def build(windsock: Windsock, *, full_refresh: bool = False, with_tests: bool = False) -> None:
    """Run the models on the build file."""
    started = time.monotonic()
    # The landing tables must exist, even when nothing landed.
    with _writing(windsock.layout) as con:
        # What expired leaves every mart, and statistics over it: everything is made anew.
        full_refresh = full_refresh or is_unbuilt(con)
    nodes = windsock.builder.build(full_refresh=full_refresh, with_tests=with_tests)
    LOG.info("event=built nodes=%d seconds=%.2f", len(nodes), time.monotonic() - started)


def publish_marts(windsock: Windsock, *, seal: bool = False) -> Published:
    """Publish what was built."""
    started = time.monotonic()
    published = publish(windsock.layout, seal=seal)
    LOG.info(
        "event=published generation=%d rows=%d bytes=%d seconds=%.2f",
        published.generation,
        published.row_count,
        published.byte_count,
        time.monotonic() - started,
    )
    return published


def cycle(windsock: Windsock, *, history_time: timedelta | None = None) -> bool:
    """Land, build and publish once, under the writer's lock."""
    with writer_lock(windsock.layout, "run"):
        is_whole = land(windsock, history_time=history_time)
        build(windsock)
        publish_marts(windsock)
        keep(windsock)
    return is_whole


def run_every(windsock: Windsock, every: timedelta, *, stop: Callable[[], bool]) -> None:
    """Cycle until told to stop; a failed cycle is logged, and the next one tries again."""
    while not stop():
        started = time.monotonic()
        try:
            cycle(windsock, history_time=_HISTORY_A_CYCLE)
        except (WindsockError, OSError) as error:
            LOG.error("event=cycle_failed error=%s message=%s", type(error).__name__, error)
        rest = every.total_seconds() - (time.monotonic() - started)
        while rest > 0 and not stop():
            time.sleep(min(rest, 1.0))
            rest -= 1.0


def rebuild(windsock: Windsock) -> None:
    """Make the warehouse again from the archive alone."""
    layout = windsock.layout
    with writer_lock(layout, "rebuild"):
        for path in (layout.build_file, layout.build_file.with_suffix(".duckdb.wal")):
            path.unlink(missing_ok=True)
        with _writing(layout, memory_limit="6GB") as con:
            count = landing.catch_up(con, windsock.archive, layout)
        LOG.info("event=rebuilt loads=%d", count)
        build(windsock, full_refresh=True)
        publish_marts(windsock, seal=True)


def compact(windsock: Windsock) -> Report:
    """What a day's keeping does, now and to its end: merge files, let old runs expire.

    Raises:
        WindsockError: a file is damaged or cannot be written; nothing is lost.
    """
    layout = windsock.layout
    with writer_lock(layout, "compact"), _writing(layout) as con:
        landing.catch_up(con, windsock.archive, layout)
        return keeping.keep(
            landing.compaction(con, windsock.archive, layout), clock.now().date(),
            detail=timedelta(days=windsock.config.retention.task_instances))


def keep(windsock: Windsock) -> None:
    """Once a day, within a cycle: compaction and retention. A failure stops no cycle."""
    layout, today = windsock.layout, clock.now().date()
    if windsock.config.origin.kind == "sample" or not is_due(layout, today):
        return
    try:
        with _writing(layout) as con:
            keeping.keep(landing.compaction(con, windsock.archive, layout), today,
                         detail=timedelta(days=windsock.config.retention.task_instances),
                         time=_KEEPING_A_CYCLE)
    except (WindsockError, OSError) as error:
        LOG.error("event=keeping_failed error=%s message=%s", type(error).__name__, error)


def replay(windsock: Windsock) -> tuple[int, int]:
    """Let quarantined batches try the gate again.

    Returns:
        How many passed, and how many stay.
    """
    passed = kept = 0
    layout = windsock.layout
    with writer_lock(layout, "replay"), _writing(layout) as con:
        landing.catch_up(con, windsock.archive, layout)
        for cluster in landing_clusters(windsock.config):
            door = landing.open_door(con, windsock.archive, layout, cluster)
            done = replay_batches(door)
            passed, kept = passed + done[0], kept + done[1]
    return passed, kept


def landing_clusters(config: Config) -> list[landing.Cluster]:
    """The configured clusters as the landing wants them."""
    return [
        landing.Cluster(
            c.name,
            c.metadata_url.reveal(),
            c.as_of,
            {"kind": c.kind, "base_url": c.base_url, "is_frozen": c.as_of is not None,
             "parallelism": c.parallelism},
        )
        for c in config.clusters
    ]


def grants(windsock: Windsock, name: str) -> str:
    """The least-privilege role for a cluster's database, as SQL for its administrator.

    The SQL looks for itself at which tables and columns the database has, so that it can be run
    again after an upgrade of Airflow; no connection is made.

    Raises:
        ConfigError: no such cluster.
    """
    cluster = windsock.config.cluster(name)
    address = parse_address(cluster.metadata_url.reveal())
    return grants_sql(
        cluster.dialect,
        database=address.database or "airflow",
        options=windsock.settings(history_time=None).options,
    )


@contextmanager
def _writing(layout: Layout, **options: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file, checkpointed and closed at the end, so that dbt and readers can open it."""
    con = open_build(layout, **options)
    try:
        landing.prepare(con)
        yield con
        con.execute("checkpoint")
    except duckdb.Error as error:
        raise WarehouseError(
            f"The build file {layout.build_file} could not be written ({error}).",
            expected="room on the disk and a healthy file",
            next_step="make room; the next landing repairs itself, or run `windsock rebuild`",
        ) from error
    finally:
        con.close()
