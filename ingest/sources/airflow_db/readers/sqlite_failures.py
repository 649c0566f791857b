"""What SQLite and the file system complain about, in Windsock's words."""

import sqlite3
from pathlib import Path

from ingest.sources.airflow_db.readers.address import Address
from windsock.errors import (
    NotAirflowError,
    SourceAccessError,
    SourceBusyError,
    SourceCorruptError,
    SourceError,
    SourceMigratingError,
    SourceUnreachableError,
)

MAGIC = b"SQLite format 3\x00"
COPY_NEXT = "copy the file again with `sqlite3 <file> .backup`, or point to an intact one"


def refuse_no_database(path: Path, address: Address) -> None:
    """Raise when there is no SQLite database at the path.

    Raises:
        SourceUnreachableError: nothing there, or no file.
        SourceAccessError: not readable.
        NotAirflowError: an empty file.
        SourceCorruptError: a file that does not begin as SQLite's do.
    """
    expected = "a readable SQLite file of Airflow"
    try:
        if path.is_dir():
            raise SourceUnreachableError(f"{address.label} is a directory.", expected=expected)
        if not path.is_file():
            raise SourceUnreachableError(
                f"{address.label}: there is no such file.",
                expected=expected,
                next_step="check the path; four slashes begin an absolute one",
            )
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except OSError as error:
        raise unreadable_file(error, address) from None
    if not head:
        raise NotAirflowError(
            f"{address.label} is an empty file.",
            expected=expected,
            next_step="run `airflow db migrate`, or point to the file that Airflow uses",
        )
    if head != MAGIC:
        raise SourceCorruptError(
            f"{address.label} does not begin like a SQLite file.",
            expected=expected,
            next_step=COPY_NEXT,
        )


def unreadable_file(error: OSError, address: Address) -> SourceError:
    """What the file system refused."""
    seen = f"{address.label}: {address.clean(error.strerror or error)}."
    if isinstance(error, PermissionError):
        return SourceAccessError(
            seen, expected="a file that this user may read", next_step="grant read on it"
        )
    return SourceUnreachableError(
        seen, expected="a readable file and a writable scratch folder with room for its copy"
    )


def sqlite_failure(error: sqlite3.Error, address: Address) -> SourceError:
    """The Windsock error for one of SQLite's."""
    code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
    text = address.clean(error)
    seen = f"{address.label}: {text}."
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SourceBusyError(
            seen,
            expected="a file that no process locks for long",
            next_step="try again; see which process holds it with `fuser`",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "malformed" in text:
        return SourceCorruptError(seen, expected="an intact SQLite file", next_step=COPY_NEXT)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return SourceAccessError(
            seen, expected="a file that this user may read", next_step="grant read on it"
        )
    if code == sqlite3.SQLITE_FULL:
        return SourceUnreachableError(
            seen, expected="room for a copy in the scratch folder", next_step="free some space"
        )
    if "no such table" in text or "no such column" in text:
        return SourceMigratingError(
            seen,
            expected="the tables and columns that the file listed",
            next_step="land again when Airflow's migration has ended",
        )
    return SourceError(seen, next_step="see the message")
