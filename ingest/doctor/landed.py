"""What the build file and the archive say of the landings; the caller holds the lock.

    landing.loads, failed_loads, batches  +  the archive's manifests  ->  checks per cluster

Alone: `windsock doctor`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from ingest.archive import Archive, Manifest, manifest_path
from ingest.contracts import landing_name
from ingest.doctor.check import Check, Subject, duration
from windsock.config import Cluster

STALE = timedelta(days=1)
_LOOK_BACK = timedelta(days=2)      # as far as a landing looks for what it lacks

_NEWEST = """
select l.cluster, l.load_number, l.load_id, l.source, l.loaded_at, l.kind,
    json_extract_string(l.state, '$.history') as history
from build.landing.loads as l
qualify row_number() over (partition by l.cluster order by l.load_number desc) = 1
"""
_FAILED = """
select f.cluster, count(*) as failed_count, max(f.failed_at) as failed_at,
    arg_max(f.error_class, f.failed_at) as error_class, arg_max(f.message, f.failed_at) as message
from build.landing.failed_loads as f
where f.failed_at > coalesce(
    (select max(l.loaded_at) from build.landing.loads as l where l.cluster = f.cluster),
    timestamp '1970-01-01')
group by f.cluster
"""
_OLDEST = """
select l.cluster, max(l.observed_at) as observed_at, (
    select min(r.end_date) from build.landing.airflow_db__dag_run as r
    where r.cluster = l.cluster) as ended_at
from build.landing.loads as l
group by l.cluster
"""
_FLAGGED = """
select distinct l.source, b.table_name
from build.landing.batches as b
inner join build.landing.loads as l on l.load_number = b.load_number
where b.flagged_count > 0
order by 1, 2
"""


def examine(con: duckdb.DuckDBPyConnection, clusters: tuple[Cluster, ...], archive: str,
            now: datetime, subject: Subject, *,
            kept_days: int | None = None) -> Iterator[Check]:
    """Loads, failures, flags and the archive's newest manifests.

    Args:
        con: with the build file attached as `build`.
        clusters: the configured ones.
        archive: folder or URL of the archive.
        now: what time it is on this machine.
        subject: for what concerns all clusters.
        kept_days: how long runs are kept after their end; None: they never expire.
    """
    naive = now.astimezone(UTC).replace(tzinfo=None)
    for cluster in clusters:
        own = Subject(cluster.name)
        yield from own.attempt("last load", lambda c=cluster, o=own: _last(con, c, naive, o))  # type: ignore[misc]
    if kept_days is not None:
        yield from subject.attempt("retention", lambda: _retained(con, kept_days))
    yield from subject.attempt("failed loads", lambda: _failed(con, naive))
    yield from subject.attempt("row flags", lambda: _flagged(con))
    yield from subject.attempt("archive", lambda: _archive(con, archive, subject))


def _last(con: duckdb.DuckDBPyConnection, cluster: Cluster, now: datetime,
          subject: Subject) -> Iterator[Check]:
    newest = {row[0]: row for row in con.execute(_NEWEST).fetchall()}.get(cluster.name)
    if newest is None:
        yield subject.warn("last load", "nothing is landed yet", "run `windsock run`")
        return
    _, number, _, _, loaded_at, kind, history = newest
    seen = f"load {number} ({kind}), {duration(now - loaded_at)} ago"
    seen += f"; its history below run id {history} is still to come" if history else ""
    if now - loaded_at > STALE and cluster.as_of is None:
        yield subject.warn("last load", seen,
                           "run `windsock run --every 60s`, or see why it stopped")
    else:
        yield subject.ok("last load", seen)


def _retained(con: duckdb.DuckDBPyConnection, kept_days: int) -> Iterator[Check]:
    """The oldest run of every cluster that was ever landed: all of them expire."""
    for cluster, observed_at, ended_at in sorted(con.execute(_OLDEST).fetchall()):
        seen = f"runs are kept {kept_days} days after their end; "
        seen += ("no run has ended yet" if ended_at is None else
                 f"the oldest ended on {ended_at:%Y-%m-%d}, {duration(observed_at - ended_at)} "
                 "before the newest load")
        yield Subject(cluster).ok("retention", seen)


def _failed(con: duckdb.DuckDBPyConnection, now: datetime) -> Iterator[Check]:
    """Failures since the last load that succeeded."""
    for cluster, count, failed_at, error_class, message in con.execute(_FAILED).fetchall():
        yield Subject(cluster).warn(
            "failed loads", f"{count} since the last good one, the newest "
            f"{duration(now - failed_at)} ago: {error_class}: {message}",
            "see the checks of this cluster above")


def _flagged(con: duckdb.DuckDBPyConnection) -> Iterator[Check]:
    """Rows that are landed with value faults: real databases have them."""
    flagged: dict[str, list[str]] = {}
    for source, table in con.execute(_FLAGGED).fetchall():
        for cluster, count in con.execute(
                f'select cluster, count(*) from build.landing."{landing_name(source, table)}" '
                "where _row_flags is not null and _deleted_at is null group by cluster").fetchall():
            flagged.setdefault(cluster, []).append(f"{count:,} of {table}")
    for cluster, parts in sorted(flagged.items()):
        yield Subject(cluster).ok("row flags", "landed rows with odd values (agg_row_flags says "
                                  f"which): {', '.join(parts)}")


def _archive(con: duckdb.DuckDBPyConnection, root: str, subject: Subject) -> Iterator[Check]:
    """Whether the archive has the build file's newest loads, and no more than these."""
    archive = Archive(root)
    newest = con.execute(_NEWEST).fetchall()
    gone = [row for row in newest if not archive.exists(manifest_path(_manifest(row)))]
    if gone:
        names = ", ".join(f"load {row[1]} of {row[0]}" for row in gone)
        yield subject.fail("archive", f"{root} lacks what is in the build file: {names}",
                           "correct `archive` of [warehouse], or restore it from its backup; do "
                           "not rebuild before")
        return
    last = max((row[1] for row in newest), default=0)
    since = max((row[4] for row in newest), default=None)
    day = "" if since is None else (since - _LOOK_BACK).strftime("%Y-%m-%d")
    ahead = archive.manifests(after=last, since_date=day)
    if ahead:
        yield subject.warn("archive", f"{root} has {len(ahead)} loads that the build file lacks",
                           "nothing: the next landing applies them")
    else:
        yield subject.ok("archive", f"{root} and the build file agree, newest load {last}")


def _manifest(row: tuple[object, ...]) -> Manifest:
    """Enough of a manifest to know its path."""
    cluster, number, load_id, source, loaded_at, kind, _ = row
    at = loaded_at.isoformat(sep=" ") if isinstance(loaded_at, datetime) else ""
    return Manifest(load_id=str(load_id), load_number=int(str(number)), source=str(source),
                    cluster=str(cluster), kind=str(kind), observed_at=at, loaded_at=at,
                    source_uri="")


def examine_root(root: str, subject: Subject) -> Iterator[Check]:
    """Whether the archive can be reached, whatever the build file says."""
    if "://" in root and not root.startswith("file://"):
        Archive(root).paths("_doctor")      # one listing: it raises where the store is out of reach
        yield subject.ok("archive root", f"{root} answers")
        return
    folder = Path(root.removeprefix("file://"))
    if folder.exists() and not folder.is_dir():
        yield subject.fail("archive root", f"{folder} is no folder",
                           "correct `archive` of [warehouse]")
    elif not folder.exists():
        yield subject.ok("archive root", f"{folder} will be made by the first landing")
    else:
        yield subject.ok("archive root", f"{folder} is there")
