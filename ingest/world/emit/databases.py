"""Metadata databases in SQLite files and in PostgreSQL.

    create  ->  insert(step), insert(step), …  ->  finish (indexes)     a new database, in bulk
    open_…  ->  upsert(step)                                            a living one, in one go

Instants, UUIDs, numbers and JSON are written as the release writes them on that engine.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import polars as pl

from ingest.world.emit import schema
from ingest.world.emit.stream import Step

# What tells that a row is there already: an upsert changes it.
KEYS = {"dag_run": ("dag_id", "run_id"),
        "task_instance": ("dag_id", "task_id", "run_id", "map_index"),
        "task_instance_history": ("dag_id", "task_id", "run_id", "map_index", "try_number")}
_BARE_UUID = "CHAR(32)"


class Database(Protocol):
    """What a world needs of an engine."""

    def insert(self, step: Step) -> None:
        """Write rows of which none is there."""

    def upsert(self, step: Step) -> None:
        """Write rows of which some are there, in one transaction."""

    def finish(self) -> None:
        """Make indexes and constraints after the last `insert`."""


def frames(step: Step) -> Iterator[tuple[str, pl.DataFrame]]:
    """Everything of a step as frames by table."""
    yield from step.runs.items()
    yield from step.appended.items()
    for table, rows in step.whole.items():
        yield table, pl.DataFrame(rows, infer_schema_length=None)


class SqliteDatabase:
    """A metadata database in one SQLite file, inside the block that opened it."""

    def __init__(self, connection: sqlite3.Connection, release: str) -> None:
        self._connection = connection
        self._release = release
        self._columns = schema.columns(release)

    def insert(self, step: Step) -> None:
        """Write rows of which none is there."""
        for table, frame in frames(step):
            self._insert(table, frame)
        self._connection.commit()

    def finish(self) -> None:
        """Make the indexes."""
        self._connection.executescript(schema.statements(self._release, "sqlite")[1])

    def upsert(self, step: Step) -> None:
        """Write rows of which some are there, in one transaction."""
        with self._connection:
            self._connection.execute("begin immediate")
            for table in step.whole:
                self._connection.execute(f'delete from "{table}"')
            self._connection.executemany(
                "delete from task_instance where dag_id = ? and run_id = ? and task_id = ? "
                "and map_index = -1", expanded(step).iter_rows())
            for table, frame in frames(step):
                self._insert(table, frame)

    def _insert(self, table: str, frame: pl.DataFrame) -> None:
        if not frame.height:
            return
        names = ", ".join(f'"{n}"' for n in frame.columns)
        marks = ", ".join("?" * frame.width)
        self._connection.executemany(
            f'insert into "{table}" ({names}) values ({marks}){conflict(table, frame)}',
            self._written(table, frame).iter_rows())

    def _written(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        bare = [n for n in frame.columns if self._columns[table][n] == _BARE_UUID]
        return frame.with_columns(
            pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M:%S%.6f"),
            pl.col(pl.Boolean).cast(pl.Int64),
            pl.col(bare).str.replace_all("-", ""))


def conflict(table: str, frame: pl.DataFrame) -> str:
    """The end of an INSERT: rows of runs change, others are there already or are not.

    What was written just before a process was killed is written again by the next one.
    """
    key = KEYS.get(table)
    if key is None:
        return " on conflict do nothing"
    changed = [n for n in frame.columns if n not in key]
    sets = ", ".join(f'"{n}" = excluded."{n}"' for n in changed)
    return f" on conflict ({', '.join(key)}) do update set {sets}"


def expanded(step: Step) -> pl.DataFrame:
    """Mapped tasks (dag_id, run_id, task_id) whose place-holders are gone by now."""
    if "task_instance" not in step.runs:
        return pl.DataFrame(schema=dict.fromkeys(("dag_id", "run_id", "task_id"), pl.String))
    rows = step.runs["task_instance"].filter(pl.col("map_index") >= 0)
    return rows.select("dag_id", "run_id", "task_id").unique()


@contextmanager
def new_sqlite(path: Path, release: str) -> Iterator[SqliteDatabase]:
    """A new file without a row, for `insert`; `finish` makes its indexes."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.executescript(schema.statements(release, "sqlite")[0])
        yield SqliteDatabase(connection, release)
        connection.commit()
    finally:
        connection.close()


@contextmanager
def open_sqlite(path: Path, release: str) -> Iterator[SqliteDatabase]:
    """A file that is there, for `upsert`: readers see each step whole, or not at all."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = off")
        yield SqliteDatabase(connection, release)
    finally:
        connection.close()
