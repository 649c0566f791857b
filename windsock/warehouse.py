"""The only place that opens DuckDB: the private build file, and published snapshots.

    <path>/build/warehouse.duckdb            one writer at a time (`writer`)
    <path>/snapshots/warehouse-<n>.duckdb    published generations, never changed (`reader`)
    <path>/current                           the pointer: name of the newest generation
    <path>/locks/                            the writer's lock, and who holds it
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from windsock import clock, effects
from windsock.config import Config
from windsock.errors import LockHeldError, WarehouseError

# Autoinstall can hang for minutes without a network; nothing here needs an extension.
_SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
}


@dataclass(frozen=True)
class Layout:
    """Where the files of a warehouse lie."""

    root: Path

    @property
    def build_file(self) -> Path:
        """The private build file."""
        return self.root / "build" / "warehouse.duckdb"

    @property
    def snapshots(self) -> Path:
        """Folder of the published generations."""
        return self.root / "snapshots"

    @property
    def pointer(self) -> Path:
        """File that names the newest generation."""
        return self.root / "current"

    @property
    def locks(self) -> Path:
        """Folder of the lock and of markers of what is under way."""
        return self.root / "locks"

    @property
    def quarantine(self) -> Path:
        """Folder of the batches that failed their gate."""
        return self.root / "quarantine"

    def newest_snapshot(self) -> Path | None:
        """The generation that the pointer names; None before the first was published.

        Raises:
            WarehouseError: the pointer names a file that is not there.
        """
        try:
            named = self.root / self.pointer.read_text().strip()
        except FileNotFoundError:
            return None
        if not named.exists():
            raise WarehouseError(
                f"{self.pointer} names {named.name}, which is not there.",
                expected="a published snapshot", next_step="run `windsock publish`")
        return named

    def newest_generation(self) -> int:
        """Number of the newest generation on disk; 0 before the first."""
        numbers = [int(p.stem.rsplit("-", 1)[1]) for p in self.snapshots.glob("warehouse-*.duckdb")]
        return max(numbers, default=0)

    @property
    def demonstration(self) -> Path:
        """File that is there when everything in the warehouse is made up; pages say so."""
        return self.root / "demonstration"

    @property
    def scratch(self) -> Path:
        """Folder for short-lived copies; emptied at will."""
        return self.root / "scratch"


def layout_of(config: Config) -> Layout:
    """Folders of a configured warehouse; the sample has its own, never mixed with real rows."""
    path = config.warehouse.path
    return Layout(path / "sample" if config.origin.kind == "sample" else path)


@contextmanager
def writer_lock(layout: Layout, purpose: str) -> Iterator[None]:
    """Keep every other writer out, across processes.

    Raises:
        LockHeldError: another run holds it; the message says who and since when.
    """
    layout.locks.mkdir(parents=True, exist_ok=True)
    with (layout.locks / "writer.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockHeldError(
                f"Another run is writing to {layout.root}: {_lease(layout)}.",
                expected="one writer at a time",
                next_step="wait for it to end; `windsock run --every` keeps one going") from error
        lease = {"pid": os.getpid(), "purpose": purpose, "since": clock.now().isoformat()}
        (layout.locks / "lease.json").write_text(json.dumps(lease))
        try:
            yield
        finally:
            (layout.locks / "lease.json").unlink(missing_ok=True)


def _lease(layout: Layout) -> str:
    try:
        lease = json.loads((layout.locks / "lease.json").read_text())
        return f"{lease['purpose']} (process {lease['pid']}, since {lease['since']})"
    except (OSError, ValueError, KeyError):
        return "holder unknown"


def open_build(layout: Layout, *, memory_limit: str = "512MB") -> duckdb.DuckDBPyConnection:
    """Open the build file for writing; the caller holds the writer's lock.

    Raises:
        WarehouseError: it cannot be opened.
    """
    layout.build_file.parent.mkdir(parents=True, exist_ok=True)
    layout.scratch.mkdir(parents=True, exist_ok=True)
    effects.before("build.open", layout.build_file)
    try:
        con = duckdb.connect(str(layout.build_file), config={
            **_SETTINGS, "memory_limit": memory_limit, "temp_directory": str(layout.scratch)})
        con.execute("set timezone = 'UTC'")
    except duckdb.Error as error:
        raise WarehouseError(
            f"The build file {layout.build_file} cannot be opened ({error}).",
            expected="a DuckDB file that no other process has open",
            next_step="close the other process, or run `windsock rebuild`: the archive has it all",
        ) from error
    return con


@dataclass(frozen=True)
class Share:
    """How much of the machine a reader may take: one of so many, that each hold so many open."""

    processes: int = 1
    kept_open: int = 1


def open_memory() -> duckdb.DuckDBPyConnection:
    """An empty in-memory database that files can be attached to."""
    return duckdb.connect(":memory:", config=dict(_SETTINGS))


def open_snapshot(layout: Layout, *, path: Path | None = None,
                  share: Share | None = None) -> duckdb.DuckDBPyConnection:
    """Open a published generation for reading, with the sealed history that it stands on.

    `marts.<model>` and the bare model name both resolve. Nothing outside the snapshot can be read
    or written through SQL, but that is no sandbox (see docs/decisions).

    Args:
        layout: which warehouse.
        path: a generation by its file; None: the newest.
        share: how much of the machine it may take; None: what DuckDB takes by itself.

    Raises:
        WarehouseError: nothing was published, or the file cannot be opened.
    """
    path = path or layout.newest_snapshot()
    if path is None:
        raise WarehouseError(f"Nothing is published in {layout.root} yet.",
                             expected="a snapshot", next_step="run `windsock run`")
    try:
        con = open_memory()
        if share is not None:
            _divide(con, share)
        con.execute(f"attach '{path}' as snapshot (read_only)")
        for (name,) in con.execute(
                "select sealed_name from snapshot.meta.snapshot "
                "where sealed_name is not null").fetchall():
            con.execute(f"attach '{path.parent / name}.duckdb' as {name} (read_only)")
        con.execute("use snapshot.marts; set timezone = 'UTC'")
        con.execute("set enable_external_access = false; set lock_configuration = true")
    except duckdb.Error as error:
        raise WarehouseError(
            f"The snapshot {path} cannot be opened ({error}).", expected="a published snapshot",
            next_step="run `windsock publish`") from error
    return con


def _divide(con: duckdb.DuckDBPyConnection, share: Share) -> None:
    """Let all readers together take no more than DuckDB alone would.

    It knows what the machine or container has, and takes 80 % of it.
    """
    threads, memory = con.execute(
        "select current_setting('threads'), current_setting('memory_limit')").fetchall()[0]
    size, unit = str(memory).split()        # such as 18.8 GiB
    con.execute(f"set threads = {max(1, int(threads) // share.processes)}")
    size_each = float(size) / (share.processes * share.kept_open)
    con.execute(f"set memory_limit = '{size_each:.4f} {unit}'")
