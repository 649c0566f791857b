"""Writes histories into SQLite files, in the schema that a release itself made.

    Tables.add(run)  ->  rows by table  ->  fill(tables, path)  ->  the fixture, emptied and filled
"""

import json
import sqlite3
import uuid
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fixture_databases import content, fixture
from tests.histories_dags import OPERATORS, DagSpec, serialized
from tests.histories_rows import Release, Row, Shot

if TYPE_CHECKING:
    from tests.histories import Played

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = 3_600_000_000
_INSTANTS = frozenset({
    "start_date", "end_date", "queued_dttm", "scheduled_dttm", "last_heartbeat_at", "updated_at",
    "queued_at", "logical_date", "execution_date", "run_after", "data_interval_start",
    "data_interval_end", "reschedule_date", "dttm", "latest_heartbeat", "created_at",
    "last_updated"})


class Tables:
    """Rows for every table of one database."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.dags: list[DagSpec] = []
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self._ids = 0

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def add(self, run: "Played", window: Row) -> None:
        """A run and everything that belongs to it."""
        version = run.dag.keys[run.version]
        place = {"dag_id": run.dag.dag_id, "run_id": run.run_id}
        is_known = run.is_version_recorded
        self.rows["dag_run"].append({
            **place, **window, "id": self.next_id(), "queued_at": run.created,
            "run_type": run.kind, "execution_date": run.logical, "logical_date": run.logical,
            "run_after": run.created, "data_interval_start": run.logical,
            "data_interval_end": run.logical, "external_trigger": run.kind == "manual",
            "clear_number": run.clear_number, "updated_at": run.created,
            "dag_hash": run.dag.keys[0] if is_known else "f" * 32,
            "created_dag_version_id": version if is_known else None})
        for shot in run.shots:
            self._add_shot(run, shot, place)

    def _add_shot(self, run: "Played", shot: Shot, place: Row) -> None:
        number = self.next_id()
        ti_id = str(uuid.UUID(int=number))
        task = next(t for t in run.tasks if t.task_id == shot.truth.task_id)
        same = {**place, "task_id": task.task_id, "map_index": shot.truth.map_index,
                "operator": OPERATORS[task.kind], "pool": "default_pool", "pool_slots": 1,
                "queue": "default", "max_tries": task.retries,
                "dag_version_id": None if shot.version is None else run.dag.keys[shot.version]}
        self.rows["task_instance"].append(
            {**same, **shot.live, "id": ti_id, "duration": _duration(shot.live)})
        for row in shot.history:
            number = self.next_id()
            history = {**same, **row, "id": number, "duration": _duration(row),
                       "task_instance_id": str(uuid.UUID(int=number))}
            self.rows["task_instance_history"].append(history)
        for row in shot.reschedules:
            self.rows["task_reschedule"].append(
                {**same, **row, "id": self.next_id(), "ti_id": ti_id})
        for row in shot.events:
            self.rows["log"].append({**same, **row, "execution_date": run.logical,
                                     "logical_date": run.logical, "id": self.next_id()})
        for row in shot.failures:
            self.rows["task_fail"].append(
                {**same, **row, "duration": _duration(row), "id": self.next_id()})
        self.rows["job"] += shot.jobs

    def dag_rows(self, now: int) -> None:
        """DAGs and their structures; versions are older than every run that has them."""
        form = self.release.form
        for dag in self.dags:
            self.rows["dag"].append({"dag_id": dag.dag_id, "is_active": True, "is_paused": False,
                                     "max_active_tasks": 16, "bundle_name": "dags"})
            for version, key in enumerate(dag.keys):
                made = now - (1000 - version) * 24 * _HOUR
                stamp = {"created_at": made, "last_updated": made, "dag_id": dag.dag_id}
                if form == "3":
                    self.rows["dag_version"].append(
                        {**stamp, "id": key, "version_number": version + 1})
                if dag.is_told:
                    self.rows["serialized_dag"].append({
                        **stamp, "id": f"{self.next_id():032x}", "dag_version_id": key,
                        "dag_hash": key, "fileloc": f"{dag.dag_id}.py",
                        "data": json.dumps(serialized(dag, version, form))})


def fill(tables: Tables, path: Path, *, now: int) -> str:
    """Write the file; its URL."""
    tables.dag_rows(now)
    path.write_bytes(_emptied(tables.release.name))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("pragma synchronous = off")
        for table, rows in tables.rows.items():
            _insert(connection, table, rows)
    return f"sqlite:///{path}"


@cache
def _emptied(name: str) -> bytes:
    """A release's database without a row but its schema's revision."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(content(fixture(f"{name}/airflow.db")))
        connection.execute("pragma foreign_keys = off")
        for (table,) in connection.execute("select name from sqlite_master where type = 'table' "
                                           "and name not like 'sqlite%'").fetchall():
            if table != "alembic_version":
                connection.execute(f'delete from "{table}"')
        connection.commit()
        connection.execute("vacuum")
        return bytes(connection.serialize())


def _insert(connection: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    columns = connection.execute('select name, type, "notnull", dflt_value '
                                 "from pragma_table_info($1)", [table]).fetchall()
    names = [name for name, *_ in columns]
    fillers = {name: default.strip("'()") if default else _filler(kind)
               for name, kind, is_needed, default in columns if is_needed}
    if names and rows:
        connection.executemany(
            f'insert into "{table}" values ({", ".join("?" * len(names))})',
            ([_value(name, row.get(name), fillers.get(name)) for name in names] for row in rows))


def _filler(kind: str) -> Any:
    return 0 if kind.startswith(("INT", "BOOL", "BIGINT", "FLOAT")) else ""


def _value(name: str, value: Any, filler: Any) -> Any:
    if value is None:
        return filler
    if name in _INSTANTS:
        # six digits, as SQLAlchemy writes them
        return f"{_EPOCH + timedelta(microseconds=value):%Y-%m-%d %H:%M:%S.%f}"
    return value


def _duration(row: Row) -> float | None:
    if row.get("start_date") is None or row.get("end_date") is None:
        return None
    return float(row["end_date"] - row["start_date"]) / 1e6
