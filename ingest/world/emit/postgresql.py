"""A metadata database in PostgreSQL: rows go in by COPY, indexes and constraints come after them.

    with new_postgresql(url, release) as database:
        database.insert(step); …; database.finish()

The database exists and is empty; its user may create tables there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from ingest.world.emit import schema
from ingest.world.emit.databases import conflict, expanded, frames
from ingest.world.emit.stream import Step

_ARROW = {
    "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(), "boolean": pa.bool_(),
    "double precision": pa.float64(), "real": pa.float32(), "bytea": pa.binary(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "timestamp without time zone": pa.timestamp("us"),
}
_JSONB_VERSION = b"\x01"
Types = dict[str, dict[str, str]]


class PostgresqlDatabase:
    """A metadata database behind one connection."""

    def __init__(self, connection: Any, release: str) -> None:
        self._connection = connection
        self._release = release
        self._types: Types = {}

    def create(self) -> None:
        """Make the tables, without indexes."""
        self._run(schema.statements(self._release, "postgresql")[0])

    def insert(self, step: Step) -> None:
        """Write rows of which none is there."""
        for table, frame in frames(step):
            self._copy(table, frame)
        self._connection.commit()

    def finish(self) -> None:
        """Make indexes and constraints, and set the sequences behind the rows."""
        self._run("set maintenance_work_mem = '256MB'")
        self._run(schema.statements(self._release, "postgresql")[1])
        for table, sequence in self._rows(
                "select table_name, pg_get_serial_sequence(quote_ident(table_name), column_name) "
                "from information_schema.columns where table_schema = 'public' "
                "and column_default like 'nextval(%'"):
            self._run(f'select setval(\'{sequence}\', (select coalesce(max(id), 0) + 1 '
                      f'from "{table}"), false)')
        self._connection.commit()
        self._connection.adbc_connection.set_autocommit(True)
        self._run("vacuum analyze")
        self._connection.adbc_connection.set_autocommit(False)

    def upsert(self, step: Step) -> None:
        """Write rows of which some are there, in one transaction."""
        try:
            self._run("set session_replication_role = replica")
            for table in step.whole:
                self._run(f'delete from "{table}"')
            gone = expanded(step)
            if gone.height:
                self._copy("gone", gone, is_temporary=True)
                self._run("delete from task_instance t using gone g where t.map_index = -1 and "
                          "t.dag_id = g.dag_id and t.run_id = g.run_id and t.task_id = g.task_id")
                self._run("drop table gone")
            for table, frame in frames(step):
                self._merge(table, frame)
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise

    def _merge(self, table: str, frame: pl.DataFrame) -> None:
        clause = conflict(table, frame)
        if not frame.height:
            return
        self._run(f'create temp table incoming (like "{table}" including defaults) on commit drop')
        self._types["incoming"] = self._types_of(table)
        self._copy("incoming", frame)
        names = ", ".join(f'"{n}"' for n in frame.columns)
        self._run(f'insert into "{table}" ({names}) select {names} from incoming{clause}')
        self._run("drop table incoming")

    def _copy(self, table: str, frame: pl.DataFrame, *, is_temporary: bool = False) -> None:
        if not frame.height:
            return
        types = {} if is_temporary else self._types_of(table)
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(table, _written(frame, types),
                               mode="create" if is_temporary else "append",
                               temporary=is_temporary or table == "incoming")

    def _types_of(self, table: str) -> dict[str, str]:
        if not self._types:
            for name, column, kind in self._rows(
                    "select table_name, column_name, data_type from information_schema.columns "
                    "where table_schema = 'public'"):
                self._types.setdefault(name, {})[column] = kind
        return self._types[table]

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def _run(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_sql_query(sql)
            cursor.adbc_statement.execute_update()


def _written(frame: pl.DataFrame, types: dict[str, str]) -> pa.Table:
    """The rows in the types of the table's columns, as COPY BINARY wants them."""
    rows = frame.to_arrow()
    return pa.table({name: _column(rows[name], types.get(name, "text"))
                     for name in rows.column_names})


def _column(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    if kind in _ARROW:
        return column.cast(_ARROW[kind])
    text = column.cast(pa.string())
    if kind == "uuid":
        digits = pl.Series(values=text).str.replace_all("-", "")
        return pa.chunked_array([digits.str.decode("hex").to_arrow().cast(pa.binary())])
    if kind == "jsonb":
        body = pc.cast(text, pa.binary())
        return pc.binary_join_element_wise(pa.scalar(_JSONB_VERSION), body, pa.scalar(b""))
    return text


@contextmanager
def new_postgresql(url: str, release: str) -> Iterator[PostgresqlDatabase]:
    """An empty database, for `insert`; `finish` makes its indexes."""
    with adbc.connect(url) as connection:
        database = PostgresqlDatabase(connection, release)
        database.create()
        yield database


@contextmanager
def open_postgresql(url: str, release: str) -> Iterator[PostgresqlDatabase]:
    """A database that is there, for `upsert`."""
    with adbc.connect(url) as connection:
        yield PostgresqlDatabase(connection, release)
