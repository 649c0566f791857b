"""The bytes of one select's rows, taken from pymysql's socket.

Everything that is not public in pymysql is used here and nowhere else: `_rfile`, `_next_seq_id`
and the state of its result object. `tests/real/test_readers_mariadb.py` fails if it changes.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from pymysql import MySQLError, err
from pymysql.cursors import SSCursor
from pymysql.protocol import MysqlPacket

from ingest.sources.airflow_db.readers.mysql_rows import ERROR, Integers, RowBuffer

READ_BYTES = 1024 * 1024
CHUNK_BYTES = 2 * 1024 * 1024  # measured best: the columns of a chunk stay in the CPU's cache


class RowStream:
    """One running select: its columns' names, then its rows as bytes."""

    def __init__(self, connection: Any, sql: str, kill: Callable[[], None]) -> None:
        """Send the select.

        Args:
            connection: of pymysql, idle.
            sql: the select.
            kill: ends the statement from elsewhere, for a stream that is closed half read.
        """
        self._connection = connection
        self._kill = kill
        with SSCursor(connection) as cursor:
            cursor.execute(sql)
            description, result = cursor.description, cursor._result  # type: ignore[attr-defined]
            if description is None or result is None:
                raise err.ProgrammingError(-1, "the statement has no result")
            # From here on the rows are ours to read, so pymysql must not try to.
            result.unbuffered_active = False
            result.connection = None
            cursor._result = None  # type: ignore[attr-defined]
        self.names = [str(column[0]) for column in description]
        self._buffer = RowBuffer(connection._next_seq_id)

    def chunks(self) -> Iterator[tuple[bytes, Integers]]:
        """Bytes of whole rows, and where in them each row begins.

        Raises:
            MySQLError: the server ended the rows with an error.
            EOFError: the connection was lost.
            ValueError: the stream is damaged.
        """
        buffer = self._buffer
        while buffer.final is None:
            while buffer.final is None and buffer.complete_bytes < CHUNK_BYTES:
                self._read()
            data, starts = buffer.take()
            if len(starts):
                yield data, starts
        self._raise_error(buffer.final)

    def _read(self) -> None:
        data = self._connection._rfile.read1(READ_BYTES)
        if not data:
            raise EOFError("Lost connection to MySQL server during query")
        self._buffer.add(data)

    def _raise_error(self, final: bytes) -> None:
        if final[0] == ERROR:
            MysqlPacket(final, "utf-8").raise_for_error()

    def close(self) -> None:
        """Leave the connection ready for the next statement, or closed when it is broken."""
        if self._buffer.final is None and self._connection.open:
            self._kill()
        try:
            while self._buffer.final is None and self._connection.open:
                self._read()
                self._buffer.take()
        except (OSError, EOFError, ValueError):
            with suppress(MySQLError, OSError):
                self._connection.close()
