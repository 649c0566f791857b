"""Lands every configured cluster: the door's flow from the command line's point of view.

    for each cluster:  catch up with the archive  ->  increment  ->  history slices  ->  reconcile

A cluster that cannot be read is told and recorded; the others go on.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import duckdb

from ingest import compact
from ingest.apply import apply_load, create_landing, rebuild
from ingest.archive import Archive, Manifest
from ingest.contracts import Table
from ingest.door import Door, Reading, land, last_state
from ingest.expire import EXPIRED_RUN
from ingest.rollups import ROLLUP_TABLES, ROLLUPS
from ingest.sources.airflow_db import plan, reconcile
from ingest.sources.airflow_db.extract import Options, Session, open_session
from ingest.sources.airflow_db.readers import Reader, ReadLimits, open_reader
from ingest.sources.airflow_db.steps import SOURCE, Pace
from ingest.sources.airflow_db.tables import INSTANCE_STATES, RUN_STATES, TABLES
from ingest.sources.airflow_db.transform import STRUCTURE_TABLES
from windsock import clock, effects
from windsock.errors import ArchiveError, SourceError
from windsock.masking import mask_url
from windsock.warehouse import Layout

LOG = logging.getLogger("windsock.land")
ALL_TABLES: dict[str, Table] = {**TABLES, **STRUCTURE_TABLES}
# No two sources have a table of one name.
LANDED_TABLES: dict[str, Table] = {**ALL_TABLES, **ROLLUP_TABLES}
STATES = {"dag_run": RUN_STATES, "task_instance": INSTANCE_STATES,
          "task_instance_history": INSTANCE_STATES}
_REBUILD_FROM = 50      # so many loads behind, set by set is faster than one by one


@dataclass(frozen=True)
class Cluster:
    """One Airflow to land.

    Attributes:
        name: configured name.
        metadata_url: SQLAlchemy URL with its password; never printed.
        as_of: "now" of a frozen copy.
        facts: what the configuration says of it (kind, base_url), landed with every load.
    """

    name: str
    metadata_url: str = field(repr=False)
    as_of: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """How to land.

    Attributes:
        pace: overlap, history, page.
        limits: time-outs at the source.
        options: opt-ins and secret names.
        pause: rest between two slices of the first load.
        slices: at most so many history slices in this landing; None: until it is done.
        history_time: begin no further history slice after this long; None: until it is done.
        reconcile: force this level ("recent", "month", "all"); None: what is due.
    """

    pace: Pace = field(default_factory=Pace)
    limits: ReadLimits = field(default_factory=ReadLimits)
    options: Options = field(default_factory=Options)
    pause: timedelta = timedelta(0)
    slices: int | None = None
    history_time: timedelta | None = None
    reconcile: str | None = None


Progress = Callable[[str, float], None]


@dataclass
class Outcome:
    """What became of one cluster: its loads, or the error that stopped it."""

    cluster: str
    loads: list[Manifest] = field(default_factory=list)
    error: SourceError | None = None


def land_clusters(con: duckdb.DuckDBPyConnection, archive: Archive, layout: Layout,
                  clusters: list[Cluster], settings: Settings | None = None, *,
                  progress: Progress | None = None) -> list[Outcome]:
    """Land every cluster once.

    Args:
        con: the build file; the caller holds the writer's lock.
        archive: where batches go.
        layout: folders of the warehouse.
        clusters: what to land.
        settings: how.
        progress: told (cluster, share of its first load that is done) after each step.

    Returns:
        One outcome a cluster; a `SourceError` is in it, not raised.

    Raises:
        ArchiveError, duckdb.Error: nothing more can be kept.
    """
    catch_up(con, archive, layout)
    outcomes = []
    for cluster in clusters:
        outcome = Outcome(cluster.name)
        outcomes.append(outcome)
        door = open_door(con, archive, layout, cluster)
        try:
            for manifest in _land_one(door, cluster, settings or Settings(), progress):
                outcome.loads.append(manifest)
        except SourceError as error:
            outcome.error = error
            LOG.error("cluster=%s error=%s message=%s", cluster.name, type(error).__name__, error)
            con.execute("insert into landing.failed_loads values ($1, $2, $3, $4)",
                        [cluster.name, clock.now().replace(tzinfo=None), type(error).__name__,
                         str(error)])
    return outcomes


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the landing tables that are missing."""
    create_landing(con, SOURCE, ALL_TABLES.values())
    create_landing(con, ROLLUPS, ROLLUP_TABLES.values())


def catch_up(con: duckdb.DuckDBPyConnection, archive: Archive, layout: Layout) -> int:
    """Repair what a killed landing left: debris in the archive, loads the build file lacks.

    Returns:
        How many loads were applied.
    """
    prepare(con)
    _empty_scratch(layout)
    compact.resume(compaction(con, archive, layout))
    marker = _marker(layout)
    killed_at = _clear_marker(archive, marker) if marker.exists() else None
    [(number, loaded_at)] = con.execute(
        "select max(load_number), max(loaded_at) from landing.loads").fetchall()
    since = "" if loaded_at is None else (loaded_at - timedelta(days=2)).strftime("%Y-%m-%d")
    # Our clock may have been set back since the newest load.
    missing = archive.manifests(after=number or 0, since_date=min(since, killed_at or since))
    archive.verify(missing)
    if number is None and len(missing) > _REBUILD_FROM:
        rebuild(con, archive, missing, SOURCE, LANDED_TABLES, layout.scratch)
    else:
        for manifest in missing:
            apply_load(con, archive, manifest, LANDED_TABLES, layout.scratch)
    marker.unlink(missing_ok=True)
    return len(missing)


def compaction(con: duckdb.DuckDBPyConnection, archive: Archive, layout: Layout) -> compact.Place:
    """Where the archive of this landing is compacted; the caller holds the writer's lock."""
    return compact.Place(con, archive, layout, {**LANDED_TABLES, EXPIRED_RUN.name: EXPIRED_RUN})


def _empty_scratch(layout: Layout) -> None:
    """Remove the copies of metadata databases that a killed landing left: they hold secrets."""
    for copy in layout.scratch.glob("*.db*"):
        effects.before("scratch.remove", copy)
        copy.unlink(missing_ok=True)


def _clear_marker(archive: Archive, marker: Path) -> str | None:
    """Remove what a load left that was killed before its manifest; the day of that load."""
    try:
        killed = Manifest.from_json(marker.read_bytes(), str(marker))
    except (OSError, ArchiveError):
        return None
    removed = archive.remove_uncommitted(killed, (*LANDED_TABLES, EXPIRED_RUN.name))
    if removed:
        LOG.warning("cluster=%s load_id=%s event=cleared_killed_load files=%d",
                    killed.cluster, killed.load_id, removed)
    return killed.loaded_at[:10]


def _marker(layout: Layout) -> Path:
    return layout.locks / "load.json"


def open_door(con: duckdb.DuckDBPyConnection, archive: Archive, layout: Layout,
              cluster: Cluster) -> Door:
    """Where one cluster is landed."""
    return Door(con=con, archive=archive, quarantine=layout.quarantine, marker=_marker(layout),
                scratch=layout.scratch, source=SOURCE, cluster=cluster.name,
                source_uri=mask_url(cluster.metadata_url), tables=ALL_TABLES, states=STATES)


def _land_one(door: Door, cluster: Cluster, settings: Settings,
              progress: Progress | None) -> Iterator[Manifest]:
    with _session(door, cluster, settings) as session:
        state = last_state(door.con, SOURCE, cluster.name)
        for reading in plan.increment(session, door.con, cluster.name, state, settings.pace):
            yield _land(door, reading)
        yield from _reconcile(door, session, settings)
        # A copy of a SQLite file serves all slices; a server gets a short transaction for each.
        is_copy = session.source.dialect == "sqlite"
        if is_copy:
            yield from _history(door, lambda: _same(session), settings, progress)
    if not is_copy:
        yield from _history(door, lambda: _session(door, cluster, settings), settings, progress)


def _history(door: Door, opened: Callable[[], Any], settings: Settings,
             progress: Progress | None) -> Iterator[Manifest]:
    """Older slices until the history is complete, or as many as were asked for."""
    done = 0
    began = monotonic()
    while settings.slices is None or done < settings.slices:
        if settings.history_time and monotonic() - began > settings.history_time.total_seconds():
            return
        with opened() as session:
            state = last_state(door.con, SOURCE, door.cluster)
            reading = plan.history(session, state, settings.pace)
            if reading is None:
                if "reconciled" not in state:
                    yield _land(door, reconcile.completed(session, state))
                if progress and done:
                    progress(door.cluster, 1.0)
                return
            yield _land(door, reading)
            done += 1
            if progress:
                progress(door.cluster, plan.history_done_ratio(session, reading.state))
        sleep(settings.pause.total_seconds())


def _reconcile(door: Door, session: Session, settings: Settings) -> Iterator[Manifest]:
    state = last_state(door.con, SOURCE, door.cluster)
    head = session.recognised.head
    level = settings.reconcile or reconcile.due_level(state, session.clock, head)
    if level is None:
        return
    for reading in reconcile.reconcile(
            session, door.con, door.cluster, state, level, settings.pace):
        yield _land(door, reading)


def _land(door: Door, reading: Reading) -> Manifest:
    started = monotonic()
    manifest = land(door, reading)
    rows = sum(b.row_count for b in manifest.batches)
    LOG.info("cluster=%s kind=%s load=%d rows=%d bytes=%d seconds=%.2f", door.cluster,
             manifest.kind, manifest.load_number, rows,
             sum(b.byte_count for b in manifest.batches), monotonic() - started)
    for bad in manifest.quarantined:
        LOG.warning("cluster=%s event=quarantined table=%s rows=%d reason=%s path=%s",
                    door.cluster, bad.table, bad.row_count, bad.reason, bad.path)
    return manifest


@contextmanager
def _session(door: Door, cluster: Cluster, settings: Settings) -> Iterator[Session]:
    with _opened(cluster, settings, door.scratch) as reader:
        yield open_session(reader, settings.options, as_of=cluster.as_of, facts=cluster.facts)


def _opened(cluster: Cluster, settings: Settings, scratch: Path) -> Reader:
    return open_reader(cluster.metadata_url, limits=settings.limits, scratch=scratch)


@contextmanager
def _same(session: Session) -> Iterator[Session]:
    yield session
