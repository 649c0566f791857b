"""The archive: immutable Parquet batches, and one manifest per load that makes them count.

    batches of a load  ->  <source>/<cluster>/<table>/date=…/<load_id>.parquet
    then its manifest  ->  <source>/<cluster>/_manifests/date=…/<load_number>-<load_id>.json

A batch without a manifest does not exist: it is what a killed landing left, and the next
landing removes it. `windsock compact` merges old loads (`compact.py`): of loads that are named
twice, by their own manifests and by a compacted one, the compacted one counts.
The warehouse's landing tables can be made again from the manifests in the order of their numbers.
The root is a folder, or any fsspec URL.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.manifests import (
    Batch,
    Compacted,
    Manifest,
    Quarantined,
    counted,
    is_compacted,
    manifest_path,
    newest_number,
)
from windsock import effects
from windsock.errors import ArchiveError

__all__ = ["Archive", "Batch", "Manifest", "Quarantined", "manifest_path", "parquet_bytes",
           "parquet_options"]


class Archive:
    """The archive below one root (folder or fsspec URL)."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._is_remote = "://" in root and not root.startswith("file://")
        if self._is_remote:
            self._filesystem, self._base = fsspec.core.url_to_fs(root)
        else:
            self._folder = Path(root.removeprefix("file://"))

    def put(self, path: str, data: bytes, *, name: str) -> None:
        """Store one immutable file; whole or not at all.

        Raises:
            ArchiveError: the store said no.
        """
        try:
            if self._is_remote:
                effects.before(f"{name}.write", path)
                self._filesystem.pipe_file(f"{self._base}/{path}", data)
            else:
                effects.write_durably(self._folder / path, data, name=name)
        except OSError as error:
            raise _not_written(self.root, path, error) from error

    def put_file(self, path: str, file: Path, *, name: str) -> None:
        """Store one immutable file that may be large; whole or not at all.

        Raises:
            ArchiveError: the store said no.
        """
        try:
            if self._is_remote:
                effects.before(f"{name}.write", path)
                self._filesystem.put_file(str(file), f"{self._base}/{path}")
            else:
                effects.copy_durably(file, self._folder / path, name=name)
        except OSError as error:
            raise _not_written(self.root, path, error) from error

    def get(self, path: str) -> bytes:
        """Content of one file.

        Raises:
            ArchiveError: it is missing or cannot be read.
        """
        try:
            if self._is_remote:
                data: bytes = self._filesystem.cat_file(f"{self._base}/{path}")
                return data
            return (self._folder / path).read_bytes()
        except OSError as error:
            raise _not_read(self.root, path, error) from error

    def remove(self, path: str) -> None:
        """Remove a file that no manifest names."""
        effects.before("archive.remove", path)
        if self._is_remote:
            self._filesystem.rm_file(f"{self._base}/{path}")
        else:
            file = self._folder / path
            file.unlink(missing_ok=True)
            with suppress(OSError):     # not empty, most of the time
                file.parent.rmdir()

    def size(self, path: str) -> int:
        """Bytes of one file."""
        if self._is_remote:
            return int(self._filesystem.size(f"{self._base}/{path}"))
        return (self._folder / path).stat().st_size

    def checksum(self, path: str) -> str:
        """SHA-256 of one file, read piece by piece.

        Raises:
            ArchiveError: it is missing or cannot be read.
        """
        try:
            with (self._filesystem.open(f"{self._base}/{path}", "rb") if self._is_remote
                  else (self._folder / path).open("rb")) as file:
                digest = hashlib.sha256()
                while piece := file.read(2**20):
                    digest.update(piece)
                return digest.hexdigest()
        except OSError as error:
            raise _not_read(self.root, path, error) from error

    def paths(self, prefix: str = "") -> list[str]:
        """Paths of all files below `prefix`, sorted, relative to the root."""
        if self._is_remote:
            self._filesystem.invalidate_cache()
            base = f"{self._base}/{prefix}".rstrip("/")
            found = self._filesystem.find(base) if self._filesystem.exists(base) else []
            return sorted(str(p)[len(self._base):].lstrip("/") for p in found)
        base_folder = self._folder / prefix
        return sorted(
            p.relative_to(self._folder).as_posix() for p in base_folder.rglob("*") if p.is_file()
        )

    def local_path(self, path: str, scratch: Path) -> Path:
        """A path on this machine with the content of `path`: itself, or a copy in `scratch`."""
        if not self._is_remote:
            return self._folder / path
        copy = scratch / hashlib.sha256(path.encode()).hexdigest()
        if not copy.exists():
            scratch.mkdir(parents=True, exist_ok=True)
            part = copy.with_suffix(".part")
            part.write_bytes(self.get(path))
            part.replace(copy)
        return copy

    def write_batch(self, manifest: Manifest, table: str, rows: pa.Table, *,
                    is_fresh: bool = False) -> Batch:
        """Store the rows of one table of one load.

        Args:
            manifest: the load that the batch belongs to (not yet written).
            table: source table name.
            rows: with the columns of `contracts.batch_schema`.
            is_fresh: see `Batch`.
        """
        data = parquet_bytes(rows)
        path = _batch_path(manifest, table)
        self.put(path, data, name="archive.batch")
        flagged = rows.num_rows - rows["_row_flags"].null_count
        tombstones = rows.num_rows - rows["_deleted_at"].null_count
        return Batch(table, path, rows.num_rows, len(data), hashlib.sha256(data).hexdigest(),
                     tombstones, flagged, is_fresh)

    def commit(self, manifest: Manifest) -> None:
        """Write the manifest: from here on the load has happened."""
        self.put(manifest_path(manifest), manifest.to_json(), name="archive.manifest")

    def manifests(self, *, after: int = 0, since_date: str = "") -> list[Manifest]:
        """Manifests with a load number above `after`, in the order of their numbers.

        Args:
            after: the last load number that the caller knows.
            since_date: look only into folders of this day (`YYYY-MM-DD`) and later, so that the
                look does not grow with history.
        """
        paths = [p for p in self.manifest_paths(since_date) if newest_number(p) > after]
        return [m for _, m in counted([self.read(p) for p in paths]) if m.load_number > after]

    def read(self, path: str) -> Manifest | Compacted:
        """One manifest, whichever it is.

        Raises:
            ArchiveError: it is missing or damaged.
        """
        kind = Compacted.from_bytes if is_compacted(path) else Manifest.from_json
        return kind(self.get(path), path)

    def remove_uncommitted(self, manifest: Manifest, tables: Iterable[str]) -> int:
        """Remove the batches of a load that was killed before its manifest was written.

        Returns:
            How many files were removed; 0 when the load is committed.
        """
        if self.exists(manifest_path(manifest)):
            return 0
        candidates = [_batch_path(manifest, table) for table in tables]
        candidates += [_part_of(path) for path in (*candidates, manifest_path(manifest))]
        debris = [path for path in candidates if self.exists(path)]
        for path in debris:
            self.remove(path)
        return len(debris)

    def exists(self, path: str) -> bool:
        """Whether a file is there."""
        if self._is_remote:
            return bool(self._filesystem.exists(f"{self._base}/{path}"))
        return (self._folder / path).exists()

    def verify(self, manifests: Iterable[Manifest]) -> None:
        """Compare every file that these loads name with its checksum.

        Raises:
            ArchiveError: one is missing or damaged.
        """
        files = {batch.path: batch for manifest in manifests for batch in manifest.batches}
        for path, batch in files.items():
            if self.checksum(path) != batch.sha256:
                raise ArchiveError(
                    f"The batch {path} is not what its manifest says (checksum).",
                    expected=f"{batch.row_count} rows with sha256 {batch.sha256}",
                    next_step="restore it from a backup of the archive, then windsock rebuild",
                )

    def manifest_paths(self, since_date: str = "") -> list[str]:
        """Paths of the manifests, compacted ones too, in folders of this day and later."""
        # Manifests lie at a known depth; walking the batches too would cost with history.
        if self._is_remote:
            self._filesystem.invalidate_cache()
            folders = [str(p)[len(self._base):].lstrip("/")
                       for p in self._filesystem.glob(f"{self._base}/*/*/_manifests/date=*")]
        else:
            folders = [p.relative_to(self._folder).as_posix()
                       for p in self._folder.glob("*/*/_manifests/date=*")]
        wanted = [f for f in folders if f.rsplit("date=", 1)[1] >= since_date]
        return [p for f in wanted for p in self.paths(f) if p.endswith((".json", ".json.xz"))]


def parquet_bytes(rows: pa.Table) -> bytes:
    """The rows as one Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression_level=1, **parquet_options(rows.schema))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How batches are written.

    Numbers and instants as deltas, texts by dictionary: on a history of task instances that is a
    sixth of the size and half of the CPU time of the library's defaults.
    """
    texts = [f.name for f in schema if pa.types.is_string(f.type)]
    deltas = {f.name: "DELTA_BINARY_PACKED" for f in schema
              if pa.types.is_timestamp(f.type) or pa.types.is_int64(f.type)}
    return {"compression": "zstd", "store_schema": False, "use_dictionary": texts,
            "column_encoding": deltas}


def _batch_path(manifest: Manifest, table: str) -> str:
    date = manifest.loaded_at[:10]
    return f"{manifest.source}/{manifest.cluster}/{table}/date={date}/{manifest.load_id}.parquet"


def _part_of(path: str) -> str:
    folder, name = path.rsplit("/", 1)
    return f"{folder}/.{name}.part"


def _not_written(root: str, path: str, error: OSError) -> ArchiveError:
    return ArchiveError(
        f"Writing {path} to the archive {root} failed: {error}.",
        expected="a place with room where this user may write",
        next_step="make room or mend the rights; the next landing repairs itself")


def _not_read(root: str, path: str, error: OSError) -> ArchiveError:
    return ArchiveError(
        f"{path} cannot be read from the archive {root}: {error}.",
        expected="every file that a manifest names",
        next_step="restore it from a backup of the archive, then windsock rebuild")
