"""Compaction: the many small files of days that are over become one file a table.

    manifests of a day (or a month of days)  ->  one file a table  ->  one compacted manifest
      ->  landing.batches names the new files  ->  the old files go

Killed anywhere, nothing is lost or doubled: before the compacted manifest the new files do not
exist, after it the old ones do not. The marker lets the next landing finish or clear (`resume`);
without it (another machine) the next compaction does. Alone: `windsock compact`.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from time import monotonic

import duckdb
import pyarrow as pa

from ingest.archive import Archive
from ingest.contracts import Table
from ingest.manifests import (
    Compacted,
    CompactedFile,
    Found,
    Manifest,
    counted,
    date_of,
    files_of,
    path_of,
    range_name,
    size_of,
)
from ingest.merge import Merged, merge_files
from windsock import effects
from windsock.warehouse import Layout

LOG = logging.getLogger("windsock.compact")
# A landing looks two days back for loads that the build file lacks; one more for odd clocks.
LOOK_BACK = timedelta(days=3)
MONTH_BYTES = 64 * 2**20        # days of a month stay apart where together they are larger


@dataclass
class Place:
    """Where to compact: the build file (open for writing), the archive, the warehouse's folders.

    Attributes:
        con: the caller holds the writer's lock.
        archive: what is compacted.
        layout: for the marker, the stamp and short-lived copies.
        tables: contracts by name: rows are sorted by load and key.
    """

    con: duckdb.DuckDBPyConnection
    archive: Archive
    layout: Layout
    tables: dict[str, Table]

    @property
    def marker(self) -> Path:
        """Names the compaction that is under way."""
        return self.layout.locks / "compaction.json"

    @property
    def stamp(self) -> Path:
        """Says on which day everything that was due had been compacted."""
        return self.layout.locks / "compacted.json"

    @property
    def scratch(self) -> Path:
        """Short-lived copies."""
        return self.layout.scratch / "compact"


@dataclass
class Report:
    """What a compaction did: files and bytes of what it merged, before and after."""

    merged_count: int = 0
    files_before: int = 0
    bytes_before: int = 0
    files_after: int = 0
    bytes_after: int = 0
    is_complete: bool = True


@dataclass(frozen=True)
class Purge:
    """What a rewriting leaves out: what expired before a day.

    Attributes:
        before: the day, YYYY-MM-DD.
        keep: table -> SQL condition (alias `r`) on the rows that stay.
    """

    before: str
    keep: dict[str, str]


@dataclass(frozen=True)
class _Marker:
    """The compaction under way: what it makes, and the manifests that it replaces."""

    manifest: str
    files: list[str]
    replaced: list[str] = field(default_factory=list)


def compact(place: Place, today: date, *, time: timedelta | None = None) -> Report:
    """Compact every day that is over, then every month whose days are small.

    Args:
        place: where.
        today: days before it, less the landing's look-back, are over.
        time: begin nothing further after this long; None: until it is done.

    Returns:
        What was done; `is_complete` says whether something is still due.

    Raises:
        ArchiveError: a file is damaged or cannot be written; nothing is lost.
    """
    resume(place)
    report, began = Report(), monotonic()
    for period in (10, 7):      # YYYY-MM-DD, then YYYY-MM
        for paths in due(place.archive.manifest_paths(), today, period):
            if time is not None and monotonic() - began > time.total_seconds():
                report.is_complete = False
                return report
            _compact_together(place, paths, report, is_month=period == 7)
    return report


def complete(place: Place, today: date) -> None:
    """Note that nothing more is due today."""
    stamp = json.dumps({"date": today.isoformat()}).encode()
    effects.write_durably(place.stamp, stamp, name="compact.stamp")


def is_due(layout: Layout, today: date) -> bool:
    """Whether a compaction has not been completed today: one small file is read."""
    return completed_on(layout) != today


def completed_on(layout: Layout) -> date | None:
    """The day on which everything that was due had been compacted; None: never."""
    try:
        stamp = json.loads((layout.locks / "compacted.json").read_bytes())
        return date.fromisoformat(stamp["date"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def resume(place: Place) -> None:
    """Finish a compaction that was killed after its manifest, clear one killed before it."""
    shutil.rmtree(place.scratch, ignore_errors=True)
    if not place.marker.exists():
        return
    try:
        marker = _Marker(**json.loads(place.marker.read_bytes()))
    except (OSError, ValueError, TypeError):
        place.marker.unlink(missing_ok=True)
        return
    archive = place.archive
    if archive.exists(marker.manifest):
        compacted = Compacted.from_bytes(archive.get(marker.manifest), marker.manifest)
        _finish(place, compacted, [archive.read(p) for p in marker.replaced if archive.exists(p)])
        return
    for path in (*marker.files, marker.manifest):
        folder, name = path.rsplit("/", 1)
        for left in (path, f"{folder}/.{name}.part"):
            if archive.exists(left):
                archive.remove(left)
    LOG.warning("event=cleared_killed_compaction manifest=%s", marker.manifest)
    place.marker.unlink()


def due(manifest_paths: Iterable[str], today: date, period: int) -> Iterator[list[str]]:
    """Manifests that belong together, oldest first: a cluster's, of a day or month that is over.

    A cluster's newest day stays as it is: the doctor looks for the newest load by its own name.
    """
    limit = (today - LOOK_BACK).isoformat()
    by_cluster: dict[str, list[tuple[str, str]]] = {}
    for path in manifest_paths:
        cluster, _, rest = path.partition("/_manifests/date=")
        by_cluster.setdefault(cluster, []).append((rest[:10], path))
    together = []
    for cluster, found in by_cluster.items():
        newest = min(max(day for day, _ in found), limit)
        for when, group in groupby(sorted(found), key=lambda item: item[0][:period]):
            paths = [path for _, path in group]
            if len(paths) > 1 and when < newest[:period]:
                together.append((when, cluster, paths))
    yield from (paths for _, _, paths in sorted(together))


def _compact_together(place: Place, paths: list[str], report: Report, *, is_month: bool) -> None:
    found = [place.archive.read(path) for path in paths]
    loads = counted(found)
    counting = [f for f in found if any(origin is f for origin, _ in loads)]
    if is_month and sum(size_of(f) for f in counting) > MONTH_BYTES:
        return
    if len(counting) == 1 and isinstance(counting[0], Compacted):     # another machine was killed
        _finish(place, counting[0], [f for f in found if f is not counting[0]])
        return
    rewrite(place, counting, [m for _, m in loads], replaced=found, report=report)


def rewrite(place: Place, counting: Sequence[Found], loads: list[Manifest], *,
            replaced: Sequence[Found], report: Report, purge: Purge | None = None) -> None:
    """Write the rows of some loads anew, together, and replace the files that held them.

    Args:
        place: where.
        counting: the manifests whose files hold the rows.
        loads: all their loads, in order.
        replaced: the manifests that go, with their files; more than count after a kill.
        report: what was done is added to it.
        purge: which rows stay; None: all.
    """
    place.archive.verify(loads)
    inputs: dict[str, dict[str, int]] = {}
    for one in counting:
        for table, path, row_count in files_of(one):
            inputs.setdefault(table, {})[path] = row_count
    revision = 1 + max((f.revision for f in replaced if isinstance(f, Compacted)), default=0)
    day = max(date_of(f) for f in counting)
    name = range_name(tuple(loads), revision)
    head = f"{loads[-1].source}/{loads[-1].cluster}"
    targets = {t: f"{head}/{t}/date={day}/{name}.parquet" for t in sorted(inputs)}
    draft = Compacted(revision, day, tuple(loads), (), purge.before if purge else "")
    marker = _Marker(draft.path, list(targets.values()), [path_of(f) for f in replaced])
    effects.write_durably(place.marker, json.dumps(asdict(marker)).encode(), name="compact.marker")
    compacted = replace(draft, files=tuple(
        _write(place, table, inputs[table], path, purge.keep.get(table) if purge else None)
        for table, path in targets.items()))
    place.archive.put(compacted.path, compacted.to_bytes(), name="compact.manifest")
    report.merged_count += 1
    report.files_before += sum(1 + len(files_of(f)) for f in counting)
    report.bytes_before += sum(size_of(f) + place.archive.size(path_of(f)) for f in counting)
    report.files_after += 1 + len(compacted.files)
    report.bytes_after += size_of(compacted) + place.archive.size(compacted.path)
    _finish(place, compacted, replaced)


def _write(place: Place, table: str, inputs: dict[str, int], path: str,
           keep: str | None) -> CompactedFile:
    contract = place.tables.get(table)
    key = ("cluster", *contract.key) if contract else ()
    local = [place.archive.local_path(p, place.scratch) for p in inputs]
    merged: Merged = merge_files(place.con, local, place.scratch, key=key, keep=keep,
                                 row_count=sum(inputs.values()))
    place.archive.put_file(path, merged.path, name="compact.file")
    file = CompactedFile(table, path, merged.row_count, merged.path.stat().st_size,
                         _digest(merged.path))
    shutil.rmtree(place.scratch, ignore_errors=True)
    return file


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _finish(place: Place, compacted: Compacted, replaced: Sequence[Found]) -> None:
    """The build file names the new files; the old ones go, each manifest after its files."""
    effects.before("compact.batches", compacted.path)
    _point_batches(place.con, compacted)
    keep = {compacted.path, *(f.path for f in compacted.files)}
    for one in replaced:
        for path in (*(p for _, p, _ in files_of(one)), path_of(one)):
            if path not in keep:
                with suppress(FileNotFoundError):       # removed before the kill
                    place.archive.remove(path)
    effects.before("compact.unmark", place.marker)
    place.marker.unlink(missing_ok=True)


def _point_batches(con: duckdb.DuckDBPyConnection, compacted: Compacted) -> None:
    """`landing.batches` says where the rows of each load lie now."""
    rows = [{"load_number": m.load_number, "table_name": b.table, "path": b.path,
             "byte_count": b.byte_count, "sha256": b.sha256}
            for m in compacted.members() for b in m.batches]
    if not rows:
        return
    con.register("moved_batches", pa.Table.from_pylist(rows))
    con.execute(
        "update landing.batches as b set path = m.path, byte_count = m.byte_count, "
        "sha256 = m.sha256 from moved_batches as m "
        "where m.load_number = b.load_number and m.table_name = b.table_name")
    con.unregister("moved_batches")
