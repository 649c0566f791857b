"""What every reader of a metadata database offers, whichever engine it reads."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import pyarrow as pa

Row = tuple[Any, ...]


@dataclass(frozen=True)
class ReadLimits:
    """How long a reader waits before it gives up; all in seconds.

    Attributes:
        connect_seconds: for the server to answer a connection.
        busy_seconds: for a lock: a SQLite writer, or DDL on a server's table.
        statement_seconds: for one statement, including the time the caller takes to consume it.
        idle_seconds: that the transaction may rest between two statements.
    """

    connect_seconds: float = 10.0
    busy_seconds: float = 10.0
    statement_seconds: float = 900.0
    idle_seconds: float = 900.0


class Reader(Protocol):
    """One consistent, read-only view of one metadata database.

    A context manager. One stream at a time: finish or close a stream before the next statement.
    """

    dialect: Literal["sqlite", "postgresql", "mysql"]

    def clock(self) -> datetime:
        """The source's clock when this read began (UTC): no change before it is missing here."""

    def replication_lag_seconds(self) -> float | None:
        """How far this replica trails its primary; None when it is none, or does not tell."""

    def columns(self) -> dict[str, dict[str, str]]:
        """Ordinary table → column → declared type in lower case, of the current schema."""

    def quote(self, identifier: str) -> str:
        """An identifier as this engine writes it."""

    def rows(self, sql: str) -> list[Row]:
        """The rows of a small result, with the values the driver gives; instants are aware UTC.

        Raises:
            SourceError: the statement failed.
        """

    def stream(
        self, sql: str, schema: pa.Schema, *, batch_rows: int = 65_536
    ) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of any size, as Arrow batches.

        Args:
            sql: one select that yields at least the schema's columns.
            schema: columns wanted, of string, int64, float64, bool, timestamp[us, UTC] or binary.
            batch_rows: at most so many rows in a batch; wide rows make smaller batches.

        Yields:
            Batches with the schema's columns in its order. A column with a value that its type
            cannot hold arrives as string in that batch, with the source's text: compare the
            batch's schema. In strings NUL and invalid UTF-8 become U+FFFD.

        Raises:
            SourceError: the statement failed, at the start or in mid-stream.
        """

    def database_size_bytes(self) -> int | None:
        """What the database occupies, if the source tells."""

    def row_estimate(self, table: str) -> int | None:
        """About how many rows a table has, from statistics; None when unknown."""

    def close(self) -> None:
        """End the transaction and give everything back; can be repeated."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
