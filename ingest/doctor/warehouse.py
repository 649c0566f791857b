"""The product's own files: folder, disk, lock, build file, published snapshot, archive.

    Layout + archive root  ->  checks; only the build file's look holds the writer's lock

Alone: `windsock doctor`.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.doctor import landed
from ingest.doctor.check import Check, Subject, duration, size
from ingest.doctor.source import Estimates
from windsock.config import Cluster
from windsock.errors import LockHeldError
from windsock.warehouse import Layout, open_memory, open_snapshot, writer_lock

SUBJECT = Subject("warehouse")
# Measured: 180 for archive, build file and three snapshots of 440,000 made-up rows; real names and
# confs compress less.
BYTES_PER_ROW = 500
LEAST_BYTES = 2**30         # room for logs, spilling and a night of landings
OLD_FILE = timedelta(hours=1)
STALE = timedelta(days=1)


@dataclass(frozen=True)
class Place:
    """A warehouse to look at.

    Attributes:
        layout: its folders.
        archive: folder or URL of its archive.
        clusters: the configured ones.
        now: what time it is on this machine.
        kept_days: how long runs are kept after their end; None: nothing is compacted, none expires.
    """

    layout: Layout
    archive: str
    clusters: tuple[Cluster, ...]
    now: datetime
    kept_days: int | None = None


def examine_warehouse(place: Place, estimates: Estimates) -> Iterator[Check]:
    """Every look at the warehouse, but for its archive's."""
    layout = place.layout
    yield from SUBJECT.attempt("folder", lambda: _folder(layout.root))
    yield from SUBJECT.attempt("disk", lambda: _disk(layout, estimates))
    yield from SUBJECT.attempt("build file", lambda: _build(place))
    yield from SUBJECT.attempt("quarantine", lambda: _quarantine(layout))
    yield from SUBJECT.attempt("published", lambda: _published(place))
    yield from SUBJECT.attempt("leftovers", lambda: _leftovers(place))


def _folder(root: Path) -> Iterator[Check]:
    existing = _existing(root)
    fix = "correct `path` of [warehouse], or grant this user to write there"
    if not existing.is_dir():
        yield SUBJECT.fail("folder", f"{existing} is no folder", fix)
        return
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        yield SUBJECT.fail("folder", f"{existing} cannot be written: {error.strerror}", fix)
        return
    made = "" if existing == root else f"; {root} will be made"
    yield SUBJECT.ok("folder", f"{existing} can be written{made}")


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.parents) if p.exists())


def _disk(layout: Layout, estimates: Estimates) -> Iterator[Check]:
    free = shutil.disk_usage(_existing(layout.root)).free
    copies = max(estimates.copied_bytes.values(), default=0)
    if layout.build_file.exists():
        # Publishing copies the marts, and a rebuild writes the build file anew.
        needed = LEAST_BYTES + copies + 2 * layout.build_file.stat().st_size
        what = "for further landings and a rebuild"
    else:
        needed = LEAST_BYTES + copies + BYTES_PER_ROW * sum(estimates.rows.values())
        what = "for a first landing of all"
    seen = f"{size(free)} free, about {size(needed)} needed {what}"
    if free < LEAST_BYTES / 4:
        yield SUBJECT.fail("disk", seen, "make room, or move `path` of [warehouse]")
    elif free < needed:
        yield SUBJECT.warn("disk", seen, "make room, or shorten history_days")
    else:
        yield SUBJECT.ok("disk", seen)


def _build(place: Place) -> Iterator[Check]:
    """The lock, and what the build file says while we hold it."""
    layout = place.layout
    if not layout.build_file.exists():
        yield SUBJECT.warn("build file", f"there is no {layout.build_file} yet",
                           "run `windsock run`; where an archive exists, `windsock rebuild`")
        return
    killed = _lease_left(layout)
    try:
        with writer_lock(layout, "doctor"), closing(open_memory()) as con:
            if killed:
                yield SUBJECT.warn("lock", f"free, but the last holder was killed: {killed}",
                                   "nothing: the next landing repairs what it left")
            else:
                yield SUBJECT.ok("lock", "free")
            con.execute(f"attach {_literal(layout.build_file)} as build (read_only)")
            yield SUBJECT.ok("build file", f"{layout.build_file} opens, "
                             f"{size(layout.build_file.stat().st_size)}")
            yield from landed.examine(con, place.clusters, place.archive, place.now, SUBJECT,
                                      kept_days=place.kept_days)
    except LockHeldError as error:
        yield SUBJECT.ok("lock", f"{error.seen} The build file was not opened")


def _lease_left(layout: Layout) -> str:
    """What the lease says; only a killed holder leaves one behind without its lock."""
    try:
        lease = json.loads((layout.locks / "lease.json").read_text())
        return f"{lease['purpose']} (process {lease['pid']}, since {lease['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _quarantine(layout: Layout) -> Iterator[Check]:
    batches = sorted(layout.quarantine.glob("*/*/*/*.parquet"))
    for path in batches[:5]:
        source, cluster, table = path.relative_to(layout.quarantine).parts[:3]
        try:
            note = json.loads(path.with_name(f"{path.name}.json").read_text())
            rows, reason = note["rows"], note["reason"]
        except (OSError, ValueError, KeyError, TypeError):
            rows, reason = "?", "its reason cannot be read"
        yield SUBJECT.warn("quarantine", f"{cluster}: {rows} rows of {source}.{table} were set "
                           f"aside: {reason}", f"look at {path}; then `windsock replay`")
    if len(batches) > 5:
        yield SUBJECT.warn("quarantine", f"and {len(batches) - 5} more batches",
                           f"look into {layout.quarantine}")
    if not batches:
        yield SUBJECT.ok("quarantine", "empty")


def _published(place: Place) -> Iterator[Check]:
    path = place.layout.newest_snapshot()
    if path is None:
        yield SUBJECT.warn("published", "nothing is published yet", "run `windsock run`")
        return
    with closing(open_snapshot(place.layout, path=path)) as con:
        [(generation, at)] = con.execute(
            "select generation, published_at from snapshot.meta.snapshot").fetchall()
    age = place.now.astimezone(UTC).replace(tzinfo=None) - at
    seen = f"generation {generation}, {duration(age)} old, {size(path.stat().st_size)}"
    if age > STALE and any(c.as_of is None for c in place.clusters):
        yield SUBJECT.warn("published", seen,
                           "run `windsock run --every 60s`, or see why it stopped")
    else:
        yield SUBJECT.ok("published", seen)


def _leftovers(place: Place) -> Iterator[Check]:
    """Temporary files of killed runs: old, because those of a running one are young."""
    layout, before = place.layout, (place.now - OLD_FILE).timestamp()
    found = [p for pattern, folder in (
        ("**/*", layout.scratch), (".*.part*", layout.snapshots), ("load.json", layout.locks))
        for p in folder.glob(pattern) if p.is_file() and p.stat().st_mtime < before]
    if not found:
        yield SUBJECT.ok("leftovers", "no temporary files of killed runs")
        return
    total = sum(p.stat().st_size for p in found)
    folders = ", ".join(sorted({str(p.parent) for p in found})[:3])
    yield SUBJECT.warn(
        "leftovers", f"{len(found)} temporary files of killed runs, {size(total)}, in {folders}",
        "let `windsock run` clear its own; what is still there afterwards may be deleted (a copy "
        "of a SQLite database holds its connections)")


def _literal(path: Path) -> str:
    return "'" + os.fspath(path).replace("'", "''") + "'"
