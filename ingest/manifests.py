"""What a load brought, as a record and as a file: the file makes the load's batches count.

    Manifest   <->  <source>/<cluster>/_manifests/date=…/<load_number>-<load_id>.json
    Compacted  <->  <source>/<cluster>/_manifests/date=…/<first>-<last>-<revision>.json.xz

A compacted manifest carries the records of its member loads; their rows lie together, one file a
table. `members` gives the loads back as they were, each batch a part of such a file.
"""

import json
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from windsock.errors import ArchiveError


@dataclass(frozen=True)
class Batch:
    """The rows of one table in one load: a Parquet file, or a part of a compacted one.

    `is_fresh`: none of its keys was landed before, so that it can be applied without a comparison.
    `byte_count` is a part's share of its file; `sha256` is the whole file's.
    """

    table: str
    path: str
    row_count: int
    byte_count: int
    sha256: str
    tombstone_count: int = 0
    flagged_count: int = 0
    is_fresh: bool = False


@dataclass(frozen=True)
class Quarantined:
    """A batch that failed its gate: kept whole, with the reason, never loaded."""

    table: str
    path: str
    row_count: int
    reason: str


@dataclass(frozen=True)
class Manifest:
    """What one load brought. Instants are ISO 8601 texts in UTC without a zone."""

    load_id: str
    load_number: int
    source: str
    cluster: str
    kind: str                     # increment | history | reconcile | replay | expiry
    observed_at: str              # the source's clock at the start of the read
    loaded_at: str                # our clock
    source_uri: str
    facts: dict[str, Any] = field(default_factory=dict)     # version, head, lag, warnings, profile
    state: dict[str, Any] = field(default_factory=dict)     # cursors after this load
    batches: tuple[Batch, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()

    def to_json(self) -> bytes:
        """Stable JSON."""
        return json.dumps(asdict(self), sort_keys=True, indent=1).encode()

    @staticmethod
    def from_json(data: bytes, where: str) -> "Manifest":
        """Read a manifest back.

        Raises:
            ArchiveError: not a manifest of ours.
        """
        try:
            return _manifest(json.loads(data))
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(where, error) from error


@dataclass(frozen=True)
class CompactedFile:
    """One Parquet file that holds the rows of one table of many loads."""

    table: str
    path: str
    row_count: int
    byte_count: int
    sha256: str


@dataclass(frozen=True)
class Compacted:
    """The manifest of many loads of one cluster. `loads` are as they were, but for where rows lie.

    `revision` grows with every compaction of the same loads: of two that hold a load, the one with
    more loads counts, then the later revision. `purged_before`: rows that expired before this day
    (YYYY-MM-DD) are not in the files any more; empty: all rows are there.
    """

    revision: int
    date: str                     # the newest day of its loads: YYYY-MM-DD
    loads: tuple[Manifest, ...]
    files: tuple[CompactedFile, ...]
    purged_before: str = ""

    def to_bytes(self) -> bytes:
        """Stable JSON, compressed: the loads of a day hardly differ."""
        raw = {"revision": self.revision, "date": self.date,
               "purged_before": self.purged_before,
               "files": [asdict(f) for f in self.files], "loads": [_slim(m) for m in self.loads]}
        return lzma.compress(json.dumps(raw, sort_keys=True, separators=(",", ":")).encode())

    @staticmethod
    def from_bytes(data: bytes, where: str) -> "Compacted":
        """Read a compacted manifest back.

        Raises:
            ArchiveError: not one of ours.
        """
        try:
            raw = json.loads(lzma.decompress(data))
            return Compacted(
                raw["revision"], raw["date"], tuple(_manifest(m) for m in raw["loads"]),
                tuple(CompactedFile(**f) for f in raw["files"]), raw["purged_before"])
        except (lzma.LZMAError, EOFError, ValueError, KeyError, TypeError) as error:
            raise _unreadable(where, error) from error

    @property
    def path(self) -> str:
        """Where it lies below the archive's root."""
        newest = self.loads[-1]
        return (f"{newest.source}/{newest.cluster}/_manifests/date={self.date}/"
                f"{range_name(self.loads, self.revision)}.json.xz")

    def members(self) -> Iterator[Manifest]:
        """Its loads, every batch with its file, and its share of the bytes by rows."""
        files = {f.table: f for f in self.files}
        rows = {f.table: sum(b.row_count for m in self.loads for b in m.batches
                             if b.table == f.table) for f in self.files}
        before = dict.fromkeys(files, 0)
        for load in self.loads:
            batches = []
            for batch in load.batches:
                file, low = files[batch.table], before[batch.table]
                before[batch.table] = high = low + batch.row_count
                share = (file.byte_count * high // rows[batch.table]
                         - file.byte_count * low // rows[batch.table])
                batches.append(replace(batch, path=file.path, byte_count=share,
                                       sha256=file.sha256))
            yield replace(load, batches=tuple(batches))


Found = Manifest | Compacted


def manifest_path(manifest: Manifest) -> str:
    """Where a manifest lies below the root."""
    date = manifest.loaded_at[:10]
    return (f"{manifest.source}/{manifest.cluster}/_manifests/date={date}/"
            f"{manifest.load_number:012d}-{manifest.load_id}.json")


def counted(found: Sequence[Found]) -> list[tuple[Found, Manifest]]:
    """The loads of some manifests in the order of their numbers, each once, with where it counts.

    A compaction that was killed leaves what it replaces beside it: the widest one counts.
    """
    wide = [f for f in found if isinstance(f, Compacted)]
    wide.sort(key=lambda c: (len(c.loads), c.revision), reverse=True)
    loads: dict[int, tuple[Found, Manifest]] = {}
    for compacted in wide:
        for manifest in compacted.members():
            loads.setdefault(manifest.load_number, (compacted, manifest))
    for one in found:
        if isinstance(one, Manifest):
            loads.setdefault(one.load_number, (one, one))
    return [loads[number] for number in sorted(loads)]


def files_of(found: Found) -> list[tuple[str, str, int]]:
    """Table, path and number of rows of what a manifest names itself."""
    named = found.files if isinstance(found, Compacted) else found.batches
    return [(n.table, n.path, n.row_count) for n in named]


def size_of(found: Found) -> int:
    """Bytes of what a manifest names itself."""
    named = found.files if isinstance(found, Compacted) else found.batches
    return sum(n.byte_count for n in named)


def path_of(found: Found) -> str:
    """Where a manifest lies, whichever it is."""
    return found.path if isinstance(found, Compacted) else manifest_path(found)


def date_of(found: Found) -> str:
    """The day of its folder: YYYY-MM-DD."""
    return found.date if isinstance(found, Compacted) else found.loaded_at[:10]


def range_name(loads: tuple[Manifest, ...], revision: int) -> str:
    """Name of the files of a compaction, without an ending."""
    return f"{loads[0].load_number:012d}-{loads[-1].load_number:012d}-{revision}"


def is_compacted(path: str) -> bool:
    """Whether a path is a compacted manifest's."""
    return path.endswith(".json.xz")


def newest_number(path: str) -> int:
    """The highest load number of a manifest, by its name."""
    return int(PurePosixPath(path).name.split("-")[1 if is_compacted(path) else 0])


def _slim(manifest: Manifest) -> dict[str, Any]:
    """A load's record without what its files say."""
    raw = asdict(manifest)
    raw["batches"] = [{k: v for k, v in b.items() if k not in ("path", "byte_count", "sha256")}
                      for b in raw["batches"]]
    return raw


def _manifest(raw: dict[str, Any]) -> Manifest:
    empty = {"path": "", "byte_count": 0, "sha256": ""}
    batches = tuple(Batch(**(empty | b)) for b in raw["batches"])
    bad = tuple(Quarantined(**q) for q in raw["quarantined"])
    return Manifest(**(raw | {"batches": batches, "quarantined": bad}))


def _unreadable(where: str, error: Exception) -> ArchiveError:
    return ArchiveError(
        f"The manifest {where} cannot be read ({error}).",
        expected="a manifest as written by windsock land or windsock compact",
        next_step="restore it from a backup of the archive; its batches are unharmed")
