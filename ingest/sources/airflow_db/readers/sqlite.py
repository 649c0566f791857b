"""Read an Airflow SQLite file: copy it consistently, then stream from the copy.

    the file ──backup──► scratch/<random>.db (read-only, immutable) ──fetchmany──► Arrow

Nobody but the reader opens the copy, and closing the reader deletes it.
"""

import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa

from ingest.sources.airflow_db.readers.address import Address
from ingest.sources.airflow_db.readers.batches import batch_of, find_columns, regroup
from ingest.sources.airflow_db.readers.convert import from_python
from ingest.sources.airflow_db.readers.interface import ReadLimits, Row
from ingest.sources.airflow_db.readers.sqlite_copy import companion, copy_database
from ingest.sources.airflow_db.readers.sqlite_failures import (
    refuse_no_database,
    sqlite_failure,
    unreadable_file,
)
from windsock.errors import ConfigError, SourceError

FETCH_ROWS = 2048  # measured best: larger lists of tuples only wake the garbage collector
FIRST_FETCH_ROWS = 8
FETCH_BYTES = 8 * 1024 * 1024


class SqliteReader:
    """A reader of a private copy of one SQLite file; see `interface.Reader`."""

    dialect: Literal["sqlite", "postgresql", "mysql"] = "sqlite"

    def __init__(
        self, address: Address, limits: ReadLimits, scratch: Path, now: Callable[[], datetime]
    ) -> None:
        self._address = address
        self._source = _path(address)
        refuse_no_database(self._source, address)
        self._clock = now()
        self._copy = scratch / f"{uuid.uuid4().hex}.db"
        self._database: sqlite3.Connection | None = None
        try:
            scratch.mkdir(parents=True, exist_ok=True)
            copy_database(self._source, self._copy, limits)
            self._database = _open_copy(self._copy)
            self._database.execute("select count(*) from sqlite_master").fetchone()
        except sqlite3.Error as error:
            self.close()
            raise sqlite_failure(error, address) from None
        except OSError as error:
            self.close()
            raise unreadable_file(error, address) from None
        except BaseException:
            self.close()
            raise

    def clock(self) -> datetime:
        """This machine's clock before the copy began."""
        return self._clock

    def replication_lag_seconds(self) -> float | None:
        """None: a file has no replicas."""
        return None

    def columns(self) -> dict[str, dict[str, str]]:
        """Table → column → declared type in lower case."""
        found: dict[str, dict[str, str]] = {}
        sql = (
            "select m.name, c.name, lower(c.type) from sqlite_master m, pragma_table_info(m.name) c"
            " where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\'"
            " order by m.name, c.cid"
        )
        for table, column, kind in self.rows(sql):
            found.setdefault(table, {})[column] = kind
        return found

    def quote(self, identifier: str) -> str:
        """The identifier in double quotes."""
        return '"' + identifier.replace('"', '""') + '"'

    def rows(self, sql: str) -> list[Row]:
        """The rows of a small result; instants are the file's own text."""
        database = self._open()
        try:
            return [tuple(map(_plain, row)) for row in database.execute(sql)]
        except sqlite3.Error as error:
            raise sqlite_failure(error, self._address) from None

    def stream(
        self, sql: str, schema: pa.Schema, *, batch_rows: int = 65_536
    ) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a select as typed batches; see `interface.Reader.stream`."""
        pieces = self._pieces(sql, schema)
        with contextlib.closing(pieces):
            yield from regroup(pieces, batch_rows)

    def _pieces(self, sql: str, schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        fetch_rows = FIRST_FETCH_ROWS
        try:
            with contextlib.closing(self._open().execute(sql)) as cursor:
                places = self._places(cursor, schema)
                while rows := cursor.fetchmany(fetch_rows):
                    columns = list(zip(*rows, strict=True))
                    arrays = [
                        from_python(columns[place], field.type)
                        for place, field in zip(places, schema, strict=True)
                    ]
                    piece = batch_of(arrays, schema)
                    # Rows of a megabyte (serialized DAGs) must come in smaller helpings.
                    fitting = FETCH_BYTES * len(rows) // max(piece.nbytes, 1)
                    fetch_rows = max(1, min(fitting, fetch_rows * 4, FETCH_ROWS))
                    del rows, columns, arrays  # or they would be held while the next are fetched
                    yield piece
        except sqlite3.Error as error:
            raise sqlite_failure(error, self._address) from None

    def _places(self, cursor: sqlite3.Cursor, schema: pa.Schema) -> list[int]:
        found = [column[0] for column in cursor.description]
        return find_columns(found, schema, self._address)

    def database_size_bytes(self) -> int | None:
        """The size of the file (the copy's, which holds the WAL too)."""
        return self._copy.stat().st_size

    def row_estimate(self, table: str) -> int | None:
        """The largest rowid, which is the count of a table that nobody deleted from."""
        try:
            return int(self.rows(f"select max(rowid) from {self.quote(table)}")[0][0] or 0)
        except SourceError:
            return None  # a table without rowids, or no table

    def close(self) -> None:
        """Delete the copy; can be repeated."""
        if self._database is not None:
            self._database.close()
            self._database = None
        for suffix in ("", "-wal", "-shm", "-journal"):
            companion(self._copy, suffix).unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            raise SourceError("The reader is closed.", next_step="open it again")
        return self._database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open_copy(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    # The reader belongs to one read at a time; threads may hand it on.
    database = sqlite3.connect(uri, uri=True, check_same_thread=False)
    database.text_factory = bytes  # text that is no UTF-8 must not end the read
    return database


def _plain(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _path(address: Address) -> Path:
    name = address.database
    if not name or name == ":memory:":
        raise ConfigError(
            "The metadata URL names no SQLite file.", expected="sqlite:////absolute/path/airflow.db"
        )
    return Path(name.removeprefix("file:"))
