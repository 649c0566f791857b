"""One cluster's database, looked at as a landing would see it.

    open_reader  ->  reachable  ->  grants, release, secrets, writes, lag, clock, size, as_of

Alone: `windsock doctor`.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.doctor import access, files
from ingest.doctor.check import Check, Subject, duration, size
from ingest.sources.airflow_db.extract import Options, Session, open_session
from ingest.sources.airflow_db.readers import Reader, ReadLimits, open_reader
from ingest.sources.airflow_db.readers.address import parse_address
from windsock.config import Cluster
from windsock.errors import SourceError

# Measured: 400,000 task instances and 40,000 runs of PostgreSQL on the same machine, gate, archive
# and build file included, took 49 s on 2 busy cores. Only for the estimate.
ROWS_PER_SECOND = 10_000
COUNTED_BYTES = 2**30           # up to here rows are counted where the server has no statistics
LAG = timedelta(seconds=60)
CLOCK = timedelta(seconds=5)    # differences within are of no consequence: cursors overlap by 1 h
FROZEN = timedelta(days=7)      # no heartbeat and no run for so long: a copy, or long out of use
AHEAD = timedelta(hours=1)
_CLOCK = {"postgresql": "select clock_timestamp()", "mysql": "select utc_timestamp(6)"}


@dataclass(frozen=True)
class Around:
    """What all clusters are looked at with.

    Attributes:
        limits: time-outs at the source.
        options: what the company lands beside the default.
        scratch: where a SQLite file may be copied to; removed again.
        now: the machine's clock.
    """

    limits: ReadLimits
    options: Options
    scratch: Path
    now: Callable[[], datetime]


@dataclass
class Estimates:
    """What the clusters will need, filled in as they are looked at: cluster -> figure."""

    rows: dict[str, int] = field(default_factory=dict)
    copied_bytes: dict[str, int] = field(default_factory=dict)


def examine_cluster(cluster: Cluster, around: Around, estimates: Estimates,
                    tell: Callable[[Check], None]) -> None:
    """Look at a cluster and tell each check as soon as it is known."""
    subject = Subject(cluster.name)

    def look(name: str, checks: Callable[[], Iterator[Check]]) -> None:
        for check in subject.attempt(name, checks):
            tell(check)

    look("file", lambda: files.sqlite_file(cluster, subject))
    look("base_url", lambda: files.base_url(cluster, subject))
    look("database", lambda: _database(cluster, around, estimates, subject))
    look("logs", lambda: files.log_root(cluster, subject))
    look("usage files", lambda: files.usage_files(cluster, subject, around.now()))


def _database(cluster: Cluster, around: Around, estimates: Estimates,
              subject: Subject) -> Iterator[Check]:
    address = parse_address(cluster.metadata_url.reveal())
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(
            prefix="windsock-doctor-", dir=around.scratch if around.scratch.is_dir() else None)))
        refused = _no_room(cluster, scratch, subject)
        if refused is not None:
            yield refused
            return
        try:
            reader = stack.enter_context(open_reader(
                cluster.metadata_url.reveal(), limits=around.limits, scratch=scratch,
                now=around.now))
        except SourceError as error:
            yield subject.fail("reachable", error.seen, error.next_step or error.expected)
            return
        yield subject.ok("reachable", f"{address.label} answers")
        yield from _looks(cluster, around, estimates, subject, reader)
        if cluster.as_of is None:
            yield from subject.attempt("clock", lambda: _clock(reader, around.now, subject))


def _no_room(cluster: Cluster, scratch: Path, subject: Subject) -> Check | None:
    """A SQLite file is copied to be read: not onto a disk that it would fill."""
    file = cluster.sqlite_file
    if file is None or not file.is_file():
        return None
    needed, free = file.stat().st_size, shutil.disk_usage(scratch).free
    if needed < 0.9 * free:
        return None
    return subject.fail("reachable", f"{file} has {size(needed)}, and only {size(free)} are free "
                        f"in {scratch.parent} for the copy that is read", "make room there")


def _looks(cluster: Cluster, around: Around, estimates: Estimates, subject: Subject,
           reader: Reader) -> Iterator[Check]:
    """Each look on its own; what needs a recognised Airflow comes after `release`."""
    yield from subject.attempt("grants", lambda: access.grants(reader, subject, around.options))
    yield from subject.attempt("secrets", lambda: access.secrets(reader, subject))
    yield from subject.attempt("read-only", lambda: access.writes(reader, subject))
    yield from subject.attempt("replication", lambda: _replication(reader, subject))
    sessions: list[Session] = []
    yield from subject.attempt("release", lambda: _release(reader, around, subject, sessions))
    for session in sessions:
        yield from subject.attempt("size", lambda s=session: _size(s, estimates, subject))  # type: ignore[misc]
        yield from subject.attempt(
            "as_of", lambda s=session: _as_of(s, cluster, around.now(), subject))  # type: ignore[misc]


def _release(reader: Reader, around: Around, subject: Subject,
             sessions: list[Session]) -> Iterator[Check]:
    session = open_session(reader, around.options)
    sessions.append(session)
    recognised = session.recognised
    seen = f"Airflow {recognised.version}, schema revision {recognised.head or 'unknown'}"
    named = recognised.version.partition(".")[0]
    if not recognised.is_known:
        yield subject.warn("release", f"{seen}. {' '.join(recognised.warnings)}",
                           "upgrade Windsock; until then what its columns allow is landed")
    elif named != str(recognised.major):
        yield subject.warn("release", f"{seen}, but the columns that can be seen are those of "
                           f"{recognised.major}.x",
                           f"run what `windsock grants --cluster {subject.name}` prints again")
    else:
        yield subject.ok("release", seen)


def _replication(reader: Reader, subject: Subject) -> Iterator[Check]:
    lag = reader.replication_lag_seconds()
    if lag is None:
        if reader.dialect != "sqlite":
            yield subject.ok("replication", "no replica, or it does not tell its lag")
    elif lag > LAG.total_seconds():
        yield subject.warn("replication", f"the replica is {duration(lag)} behind, and so are all "
                           "pages", "look at the replica, or read from the primary")
    else:
        yield subject.ok("replication", f"the replica is {duration(lag)} behind")


def _clock(reader: Reader, now: Callable[[], datetime], subject: Subject) -> Iterator[Check]:
    """The source's clock, asked between two looks at our own."""
    sql = _CLOCK.get(reader.dialect)
    if sql is None:
        return
    before = now()
    there = reader.rows(sql)[0][0]
    took = now() - before
    difference = there - (before + took / 2)
    if abs(difference) - took / 2 <= CLOCK:
        yield subject.ok("clock", "the source's clock and this machine's agree")
        return
    which = "ahead of" if difference > timedelta(0) else "behind"
    yield subject.warn("clock", f"the source's clock is {duration(abs(difference))} {which} this "
                       "machine's", "let both machines take the time from NTP; ages on pages are "
                       "the source's")


def _size(session: Session, estimates: Estimates, subject: Subject) -> Iterator[Check]:
    """How large it is, and how long a first landing takes."""
    reader = session.reader
    occupied = reader.database_size_bytes()
    counts = {t.name: _row_count(reader, t.name, occupied)
              for t in session.tables("run", "append")}
    known = [count for count in counts.values() if count is not None]
    rows = sum(known)
    estimates.rows[subject.name] = rows
    if reader.dialect == "sqlite":
        estimates.copied_bytes[subject.name] = occupied or 0
    parts = [f"{counts[t]:,} {words}" for t, words in (
        ("dag_run", "runs"), ("task_instance", "task instances"), ("log", "audit rows"))
        if counts.get(t) is not None]
    seen = f"about {', '.join(parts) or 'an unknown number of rows'}"
    seen += f" in {size(occupied)}" if occupied is not None else ""
    yield subject.ok("size", f"{seen}; a first landing of all takes about "
                     f"{duration(max(rows / ROWS_PER_SECOND, 1))}")


def _row_count(reader: Reader, table: str, occupied: int | None) -> int | None:
    estimate = reader.row_estimate(table)
    if estimate is None and occupied is not None and occupied < COUNTED_BYTES:
        estimate = int(reader.rows(f"select count(*) from {reader.quote(table)}")[0][0])
    return estimate


def _as_of(session: Session, cluster: Cluster, now: datetime, subject: Subject) -> Iterator[Check]:
    """Whether "now" of this cluster fits its newest row."""
    newest = _newest(session.reader)
    if newest is None:
        yield subject.ok("newest row", "no run and no heartbeat yet")
        return
    seen = f"the newest run or heartbeat is of {newest:%Y-%m-%d %H:%M:%S} UTC"
    table = f"[clusters.{subject.name}]"
    if cluster.as_of is not None and newest > cluster.as_of + AHEAD:
        yield subject.warn(
            "as_of", f"{seen}, {duration(newest - cluster.as_of)} after as_of",
            f"remove `as_of` from {table} if the database is live, else move it to the copy's time")
    elif cluster.as_of is None and now - newest > FROZEN:
        yield subject.warn(
            "as_of", f"{seen}, {duration(now - newest)} ago",
            f'write `as_of = "{newest:%Y-%m-%dT%H:%M:%SZ}"` in {table} if this is a frozen copy, '
            "else see whether the scheduler runs")
    else:
        age = (cluster.as_of or now) - newest
        before = "as_of" if cluster.as_of else "now"
        yield subject.ok("newest row", f"{seen}, {duration(age)} before {before}")


def _newest(reader: Reader) -> datetime | None:
    found = []
    for sql in ("select max(start_date) from dag_run", "select max(latest_heartbeat) from job"):
        value = reader.rows(sql)[0][0]
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            found.append(value if value.tzinfo else value.replace(tzinfo=UTC))
    return max(found, default=None)
