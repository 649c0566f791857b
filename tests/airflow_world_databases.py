"""Where a living Airflow (`tests/airflow_world.py`) keeps its rows: SQLite files and PostgreSQL.

    SqliteFile.of_fixture("2.10.5", path)     a release's schema, cut down to what is played
    PostgresDatabase.of_fixture("3.1.8", server, "base").copy("one")
"""

import json
import lzma
import sqlite3
from contextlib import closing
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from tests.databases import Server

FIXTURES = Path(__file__).parent / "fixtures" / "airflow"
# What the world plays with; the other tables of a fixture are dropped to keep a landing short.
PLAYED = (
    "alembic_version", "dag", "dag_run", "task_instance", "task_instance_history",
    "task_reschedule", "task_fail", "task_map", "dagrun_dataset_event", "dagrun_asset_event",
    "slot_pool", "import_error", "job", "log", "dag_version",
)

Row = dict[str, Any]


class Database(Protocol):
    """What a world needs of an engine."""

    def execute(self, sql: str) -> None:
        """Run one statement and commit."""

    def select(self, sql: str) -> list[Row]:
        """Rows as dictionaries."""

    def columns(self, table: str) -> dict[str, tuple[str, bool]]:
        """Column -> (declared type, must be given a value); empty when there is no such table."""

    def literal(self, value: Any) -> str:
        """A value as this engine writes it; instants are UTC without a zone."""


class SqliteFile:
    """A metadata database in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def of_fixture(version: str, path: Path) -> "SqliteFile":
        """A copy of a release's database, cut down to the tables that a world plays with."""
        path.write_bytes(_played_fixture(version))
        return SqliteFile(path)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def execute(self, sql: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("pragma synchronous = off")
            connection.execute(sql)

    def select(self, sql: str) -> list[Row]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]

    def columns(self, table: str) -> dict[str, tuple[str, bool]]:
        return {
            r["name"]: (r["type"].lower(), bool(r["notnull"]) and r["dflt_value"] is None
                        and not (r["pk"] and r["type"].lower() == "integer"))
            for r in self.select(f'select * from pragma_table_info("{table}")')
        }

    def literal(self, value: Any) -> str:
        if isinstance(value, datetime):
            return f"'{value:%Y-%m-%d %H:%M:%S.%f}'"
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return "null" if value is None else repr(value)


class PostgresDatabase:
    """A metadata database on a server."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name

    @staticmethod
    def of_fixture(version: str, server: Server, name: str) -> "PostgresDatabase":
        """A release's database, cut down like a file's."""
        packed = FIXTURES / version / "postgres.sql.xz"
        server.execute(f"create database {name}", "postgres")
        server.execute(lzma.decompress(packed.read_bytes()).decode(), name)
        made = PostgresDatabase(server, name)
        tables = made.select("select relname from pg_class where relkind = 'r' "
                             "and relnamespace = 'public'::regnamespace")
        unplayed = [t["relname"] for t in tables if t["relname"] not in PLAYED]
        made.execute(f"drop table {', '.join(unplayed)} cascade")
        return made

    def copy(self, name: str) -> "PostgresDatabase":
        """The same database once more."""
        self.server.execute(f"create database {name} template {self.name}", "postgres")
        return PostgresDatabase(self.server, name)

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def execute(self, sql: str) -> None:
        self.server.execute(sql, self.name)

    def select(self, sql: str) -> list[Row]:
        lines = self.server.execute(f"select row_to_json(r) from ({sql}) r", self.name)
        return [json.loads(line) for line in lines.splitlines()]

    def columns(self, table: str) -> dict[str, tuple[str, bool]]:
        found = self.select("select column_name, data_type, column_default is null "
                            "and is_nullable = 'NO' as is_required "
                            f"from information_schema.columns where table_name = '{table}'")
        return {r["column_name"]: (r["data_type"], r["is_required"]) for r in found}

    def literal(self, value: Any) -> str:
        if isinstance(value, datetime):
            return f"timestamptz '{value.isoformat(sep=' ')}+00'"
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return "null" if value is None else repr(value)


@cache
def _played_fixture(version: str) -> bytes:
    packed = FIXTURES / version / "airflow.db.xz"
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(lzma.decompress(packed.read_bytes()))
        connection.execute("pragma foreign_keys = off")
        names = [n for (n,) in connection.execute(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite%'")]
        for name in names:
            if name not in PLAYED:
                connection.execute(f'drop table "{name}"')
        connection.commit()
        connection.execute("vacuum")
        return bytes(connection.serialize())
