"""A consistent copy of a live SQLite file, made without standing in Airflow's way.

A live file is copied with SQLite's backup, a few pages at a time: a writer waits for milliseconds
only, and when one writes in between the backup starts over; after `RESTARTS` of those it finishes
in one step. In WAL mode readers block nobody, so one step does it at once. A file that nobody has
open but that SQLite may not recover in place (a WAL without its `-shm`, a journal of a writer that
was killed) is copied as files and recovered in the copy: the source's folder is never written to.
"""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from ingest.sources.airflow_db.readers.interface import ReadLimits

STEP_PAGES = 2048  # 8 MiB of 4-KiB pages: about 10 ms under the lock
STEP_PAUSE_SECONDS = 0.002
POLL_SECONDS = 0.002
RESTARTS = 5
FILE_COPY_TRIES = 5
HEADER_BYTES = 100
WAL_VERSION = 2
PRIVATE = 0o600  # the copy holds connections and variables
COMPANIONS = ("-wal", "-journal")


def copy_database(source: Path, target: Path, limits: ReadLimits) -> None:
    """Write `target`, a complete and consistent copy of `source` with no companion files.

    Raises:
        sqlite3.Error: locked for longer than `limits.busy_seconds`, damaged, not a database.
        OSError: not readable.
    """
    target.touch(mode=PRIVATE)
    if _needs_recovery(source):
        _copy_files(source, target)
        return
    try:
        _backup(source, target, limits)
    except sqlite3.OperationalError as error:
        if _base_code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        target.write_bytes(b"")
        _copy_files(source, target)


def _needs_recovery(source: Path) -> bool:
    """Whether SQLite would have to write beside the source just to read it."""
    with source.open("rb") as file:
        header = file.read(HEADER_BYTES)
    in_wal_mode = len(header) == HEADER_BYTES and WAL_VERSION in header[18:20]
    return in_wal_mode and not companion(source, "-shm").exists()


def companion(database: Path, suffix: str) -> Path:
    """The file that SQLite keeps beside a database."""
    return database.with_name(database.name + suffix)


def _backup(source: Path, target: Path, limits: ReadLimits) -> None:
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        # We poll ourselves: SQLite's own waits grow so long that a busy writer always wins.
        live.execute("pragma busy_timeout = 0")
        live.execute("pragma query_only = on")
        copy.execute("pragma synchronous = off")  # a copy that a crash breaks is thrown away
        progress = _Progress(limits.busy_seconds)
        in_wal_mode = _retry_busy(live, "pragma journal_mode", progress) == "wal"
        if in_wal_mode:
            live.backup(copy, pages=-1, progress=progress, sleep=POLL_SECONDS)
            return
        try:
            live.backup(copy, pages=STEP_PAGES, progress=progress, sleep=POLL_SECONDS)
        except _TooManyRestartsError:
            live.backup(copy, pages=-1, progress=_Progress(limits.busy_seconds), sleep=POLL_SECONDS)


def _retry_busy(live: sqlite3.Connection, sql: str, progress: "_Progress") -> str:
    while True:
        try:
            return str(live.execute(sql).fetchone()[0])
        except sqlite3.OperationalError as error:
            if _base_code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            progress(sqlite3.SQLITE_BUSY, 0, 0)
            time.sleep(POLL_SECONDS)


class _TooManyRestartsError(Exception):
    """Writers are faster than the backup's steps."""


class _Progress:
    """Called after each step of a backup: paces it, counts restarts, ends a wait for a lock."""

    def __init__(self, busy_seconds: float) -> None:
        self._busy_seconds = busy_seconds
        self._busy_since: float | None = None
        self._remaining: int | None = None
        self._restarts = 0

    def __call__(self, status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            now = time.monotonic()
            self._busy_since = self._busy_since or now
            if now - self._busy_since > self._busy_seconds:
                raise BusyTooLongError
            return
        self._busy_since = None
        if self._remaining is not None and remaining >= self._remaining:
            self._restarts += 1
            if self._restarts > RESTARTS:
                raise _TooManyRestartsError
        self._remaining = remaining
        if remaining:
            time.sleep(STEP_PAUSE_SECONDS)


class BusyTooLongError(sqlite3.OperationalError):
    """Another process held its lock for longer than the limit."""

    def __init__(self) -> None:
        super().__init__("database is locked")
        self.sqlite_errorcode = sqlite3.SQLITE_BUSY


def _base_code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _copy_files(source: Path, target: Path) -> None:
    """Copy a file that nobody writes, with its companions, and let SQLite recover the copy."""
    for _ in range(FILE_COPY_TRIES):
        before = _fingerprint(source)
        for suffix in ("", *COMPANIONS):
            part = companion(source, suffix)
            if part.exists():
                companion(target, suffix).touch(mode=PRIVATE)
                shutil.copyfile(part, companion(target, suffix))
        if _fingerprint(source) == before:
            break
        _remove(target)
        time.sleep(0.1)
    else:
        raise BusyTooLongError
    with closing(sqlite3.connect(target)) as copy:
        copy.execute("pragma journal_mode = delete").fetchone()
        verdict = copy.execute("pragma quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"database disk image is malformed: {verdict}")


def _fingerprint(source: Path) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for suffix in ("", "-wal", "-shm", "-journal"):
        part = companion(source, suffix)
        stat = part.stat() if part.exists() else None
        found.append((stat.st_size, stat.st_mtime_ns) if stat else None)
    return found


def _remove(target: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        companion(target, suffix).unlink(missing_ok=True)
