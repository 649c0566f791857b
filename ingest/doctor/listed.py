"""The archive's files, counted within bounds: one that nobody compacts has hundreds of thousands.

    archive root  ->  folder by folder, manifests first  ->  Listing(files, bytes, days)

Alone: `windsock doctor`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic

import fsspec

from ingest import compact

_Entry = tuple[str, bool, int]      # name, whether it is a folder, bytes


@dataclass(frozen=True)
class Bounds:
    """When to stop counting. An object store answers folder by folder, so time counts too."""

    file_count: int = 100_000
    seconds: float = 20.0


@dataclass
class Day:
    """Files of one day of one cluster, manifests too; bytes of its rows alone."""

    file_count: int = 0
    row_bytes: int = 0


@dataclass
class Listing:
    """What was counted.

    Attributes:
        file_count: files.
        byte_count: their bytes.
        is_whole: False: there are more.
        manifests: paths of the manifests.
        days: source/cluster and day -> its files.
    """

    file_count: int = 0
    byte_count: int = 0
    is_whole: bool = True
    manifests: list[str] = field(default_factory=list)
    days: dict[tuple[str, str], Day] = field(default_factory=dict)

    def add(self, path: str, byte_count: int) -> None:
        """Count one file."""
        self.file_count += 1
        self.byte_count += byte_count
        head, _, rest = path.partition("/date=")
        cluster, _, table = head.rpartition("/")
        if not rest:
            return
        day = self.days.setdefault((cluster, rest.partition("/")[0]), Day())
        day.file_count += 1
        if table != "_manifests":
            day.row_bytes += byte_count
        elif path.endswith((".json", ".json.xz")):
            self.manifests.append(path)

    def waiting_count(self, today: date) -> int:
        """How many files the next compaction merges; at least, where the listing is not whole.

        Of a listing that was cut short nobody knows how large a month is: it tells of days only.
        """
        waiting: set[tuple[str, str]] = set()
        for period in (10, 7) if self.is_whole else (10,):
            for paths in compact.due(self.manifests, today, period):
                days = {_day_of(path) for path in paths}
                if period == 10 or sum(
                        self.days[d].row_bytes for d in days) <= compact.MONTH_BYTES:
                    waiting |= days
        return sum(self.days[day].file_count for day in waiting)


def _day_of(manifest_path: str) -> tuple[str, str]:
    cluster, _, rest = manifest_path.partition("/_manifests/date=")
    return cluster, rest.partition("/")[0]


def list_archive(root: str, bounds: Bounds) -> Listing:
    """Count the files below a root, until all are counted or a bound is reached.

    Raises:
        OSError: a folder cannot be read.
    """
    entries = _remote(root) if "://" in root and not root.startswith("file://") else _local(root)
    listing, began, folders = Listing(), monotonic(), [""]
    while folders:
        folder, inside = folders.pop(), []
        for name, is_folder, byte_count in entries(folder):
            if listing.file_count >= bounds.file_count or monotonic() - began > bounds.seconds:
                listing.is_whole = False
                return listing
            path = f"{folder}/{name}" if folder else name
            if is_folder:
                inside.append(path)
            else:
                listing.add(path, byte_count)
        folders += sorted(inside, reverse=True)     # `_manifests` is the first of a cluster
    return listing


def _local(root: str) -> Callable[[str], Iterator[_Entry]]:
    base = Path(root.removeprefix("file://"))

    def entries(folder: str) -> Iterator[_Entry]:
        with suppress(FileNotFoundError), os.scandir(base / folder) as found:
            for entry in found:
                with suppress(FileNotFoundError):       # a compaction is under way
                    yield (entry.name, entry.is_dir(follow_symlinks=False),
                           entry.stat(follow_symlinks=False).st_size)
    return entries


def _remote(root: str) -> Callable[[str], Iterator[_Entry]]:
    filesystem, base = fsspec.core.url_to_fs(root)

    def entries(folder: str) -> Iterator[_Entry]:
        place = f"{base}/{folder}".rstrip("/")
        with suppress(FileNotFoundError):
            for entry in filesystem.ls(place, detail=True):
                path = str(entry["name"]).rstrip("/")
                if path.strip("/") != place.strip("/"):     # some stores name the folder itself
                    yield (path.rpartition("/")[2], entry["type"] == "directory",
                           int(entry["size"] or 0))
    return entries
