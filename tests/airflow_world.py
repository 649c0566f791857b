"""A small Airflow that lives: what schedulers, workers and people do to its metadata database.

    world = World(SqliteFile.of_fixture("2.10.5", tmp_path / "airflow.db"))
    run = world.new_run("orders_chain", tasks=2)
    world.end(world.instances()[0], "success")
    world.rows("task_instance")                 # the oracle: key -> values, in plain Python

The schema is a real release's (`tests/fixtures/airflow`); statements use the columns that it has.
"""

import itertools
import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.contracts import Table
from ingest.sources.airflow_db.tables import TABLES
from tests.airflow_world_databases import Database, PostgresDatabase, Row, SqliteFile

__all__ = ["PostgresDatabase", "SqliteFile", "World", "instant", "live_rows"]

_BARE_UUID = re.compile("[0-9a-f]{32}")
_UUIDS = {"id", "ti_id", "dag_version_id", "created_dag_version_id", "task_instance_id"}

Key = tuple[Any, ...]


class World:
    """One Airflow, its clock, and what happens to it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        [newest_id] = database.select("select max(id) as id from dag_run")
        self._numbers = itertools.count(1_000 * int(newest_id["id"]))
        self._declared: dict[str, dict[str, tuple[str, bool]]] = {}
        newest = max(instant(r["at"]) for r in database.select(
            "select max(coalesce(end_date, start_date)) as at from dag_run "
            "union all select max(start_date) from task_instance"))
        self.now = newest.replace(microsecond=0) + timedelta(minutes=5)

    # --- what there is -------------------------------------------------------------------------

    def has(self, table: str, column: str = "dag_id") -> bool:
        return column in self._columns(table)

    def dag_ids(self) -> list[str]:
        return sorted(r["dag_id"] for r in self.database.select("select dag_id from dag"))

    def runs(self) -> list[Row]:
        return self.database.select("select * from dag_run order by dag_id, run_id")

    def instances(self) -> list[Row]:
        order = "dag_id, run_id, task_id" + (", map_index" if self.has("task_instance", "map_index")
                                              else "")
        return self.database.select(f"select * from task_instance order by {order}")

    # --- runs and instances --------------------------------------------------------------------

    def new_run(self, dag_id: str, *, tasks: int = 2, is_manual: bool = False,
                at: datetime | None = None, state: str = "running") -> tuple[str, str]:
        """A DAG run with instances; `at` in the past: committed late, with old times."""
        number, began = next(self._numbers), at or self.now
        run_id = f"{'manual' if is_manual else 'scheduled'}__{number:04d}"
        logical = began - timedelta(days=1) + timedelta(microseconds=number)
        is_done = state in ("success", "failed")
        self._insert("dag_run", {
            "dag_id": dag_id, "run_id": run_id, "state": state, "start_date": began,
            "end_date": began if is_done else None, "updated_at": began, "queued_at": began,
            "execution_date": logical, "logical_date": logical, "run_after": logical,
            "run_type": "manual" if is_manual else "scheduled", "external_trigger": is_manual})
        for index in range(tasks):
            self._insert("task_instance", {
                "id": str(uuid.UUID(int=next(self._numbers))), "dag_id": dag_id, "run_id": run_id,
                "task_id": f"task_{index}", "map_index": -1, "pool": "default_pool",
                "pool_slots": 1, "try_number": int(is_done), "max_tries": 1,
                "operator": "PythonOperator", "hostname": "", "updated_at": began,
                "state": state if is_done else None, "start_date": began if is_done else None,
                "end_date": began if is_done else None, "duration": 0.25 if is_done else None})
        return dag_id, run_id

    def start(self, instance: Row) -> None:
        self._set_instance(instance, state="running", start_date=self.now, end_date=None,
                           try_number=(instance["try_number"] or 0) + 1, pid=next(self._numbers))

    def heartbeat(self, instance: Row) -> None:
        if self.has("task_instance", "last_heartbeat_at"):
            self._set_instance(instance, touch=False, last_heartbeat_at=self.now)

    def end(self, instance: Row, state: str) -> None:
        began = instant(instance["start_date"]) if instance["start_date"] else self.now
        self._set_instance(instance, state=state, start_date=began, end_date=self.now,
                           duration=(self.now - began).total_seconds())
        if state == "failed" and self.has("task_fail"):
            self._insert("task_fail", {**self._place(instance), "start_date": began,
                                       "end_date": self.now, "duration": 1})

    def reschedule(self, instance: Row) -> None:
        """A sensor looked, and will look again."""
        self._set_instance(instance, state="up_for_reschedule")
        self._insert("task_reschedule", {
            **self._place(instance), "ti_id": instance.get("id"), "start_date": self.now,
            "end_date": self.now, "duration": 0, "try_number": instance["try_number"] or 0,
            "reschedule_date": self.now + timedelta(minutes=1)})

    def next_try(self, instance: Row, state: str | None) -> None:
        """Retry (`up_for_retry`) or clear (null): the try goes to history, the row is reused."""
        history = "task_instance_history"
        if self.has(history) and not self.database.select(
                f"select 1 from {history} where {self.place_of(instance)} "
                f"and try_number = {instance['try_number'] or 0}"):
            gone = {**instance, "task_instance_id": instance.get("id"),
                    "try_number": instance["try_number"] or 0}
            if "integer" in self._columns(history).get("id", ("", False))[0]:
                gone.pop("id", None)
            self._insert(history, gone)
        if self.has("task_reschedule", "ti_id"):
            self._delete("task_reschedule", f"ti_id = {self._text(instance['id'])}")
        number = uuid.UUID(int=next(self._numbers))     # a column of 3.x
        self._set_instance(instance, state=state, end_date=self.now, id=str(number))

    def end_run(self, run: Row, state: str) -> None:
        self._set("dag_run", f"id = {run['id']}", state=state, end_date=self.now,
                  updated_at=self.now)

    def raw_update(self, table: str, where: str, **values: Any) -> None:
        """An UPDATE past Airflow's code: `updated_at` does not move."""
        self._set(table, where, **values)

    # --- deletions -----------------------------------------------------------------------------

    def delete_instance(self, instance: Row) -> None:
        for table in ("task_reschedule", "task_fail", "task_map", "task_instance_history"):
            if self.has(table, "ti_id"):
                self._delete(table, f"ti_id = {self._text(instance['id'])}")
            elif self.has(table, "run_id") and self.has(table, "task_id"):
                self._delete(table, self.place_of(instance))
        self._delete("task_instance", self.place_of(instance))

    def delete_run(self, run: Row) -> None:
        for instance in self.instances():
            if (instance["dag_id"], instance["run_id"]) == (run["dag_id"], run["run_id"]):
                self.delete_instance(instance)
        for table, column in (("dagrun_dataset_event", "dag_run_id"),
                              ("dagrun_asset_event", "dag_run_id")):
            if self.has(table, column):
                self._delete(table, f"{column} = {run['id']}")
        self._delete("dag_run", f"id = {run['id']}")

    def clean(self, before: datetime) -> list[tuple[str, str]]:
        """`airflow db clean`: all that began before, but each DAG's newest run of its schedule.

        Returns:
            The runs that went. Old instances of a run that is kept go too, as in Airflow.
        """
        spared = self.spared()
        old = [r for r in self.runs() if r["start_date"] and r["id"] not in spared
               and instant(r["start_date"]) < before]
        for run in old:
            self.delete_run(run)
        for instance in self.instances():
            if instance["start_date"] and instant(instance["start_date"]) < before:
                self.delete_instance(instance)
        self._delete("log", f"dttm < {self.database.literal(before)}")
        return [(r["dag_id"], r["run_id"]) for r in old]

    def spared(self) -> set[int]:
        """Ids of the runs that `db clean` never takes: each DAG's newest that is not manual."""
        newest: dict[str, tuple[datetime, int]] = {}
        for run in self.runs():
            if run["start_date"] and run["run_type"] != "manual":
                found = (instant(run["start_date"]), run["id"])
                newest[run["dag_id"]] = max(newest.get(run["dag_id"], found), found)
        return {id_ for _, id_ in newest.values()}

    def upgrade(self, version: str, *, with_instances: bool) -> None:
        """The same runs in a newer release's schema; on SQLite `db migrate` empties the rest."""
        assert isinstance(self.database, SqliteFile)
        path = self.database.path
        newer = World(SqliteFile.of_fixture(version, path.with_suffix(".new")))
        for name in reversed(newer.run_tables()):
            newer._delete(name, "true")
        for run in self.runs():
            logical = run["execution_date"]
            newer._insert("dag_run", {**run, "logical_date": logical, "run_after": logical})
        for instance in self.instances() if with_instances else []:
            number = uuid.UUID(int=next(self._numbers))
            newer._insert("task_instance", {**instance, "id": str(number)})
        path.with_suffix(".new").replace(path)
        self._declared.clear()

    # --- around the runs -----------------------------------------------------------------------

    def resize_pool(self, slots: int) -> None:
        self._set("slot_pool", "pool = 'default_pool'", slots=slots)

    def pause(self, dag_id: str, is_paused: bool) -> None:
        self._set("dag", f"dag_id = {self._text(dag_id)}", is_paused=is_paused)

    def import_error(self, stacktrace: str | None) -> None:
        """The file's error appears, changes (a new row, as Airflow writes it) or goes."""
        self._delete("import_error", "filename = 'world.py'")
        if stacktrace is not None:
            self._insert("import_error", {"filename": "world.py", "stacktrace": stacktrace,
                                          "timestamp": self.now})

    def log(self, event: str, *, id_: int | None = None) -> None:
        values = {"dttm": self.now, "event": event, "owner": "someone"}
        self._insert("log", values if id_ is None else {**values, "id": id_})

    # --- the oracle ----------------------------------------------------------------------------

    def rows(self, name: str) -> dict[Key, Row]:
        """A landed table's rows as they must be landed: key -> its comparable columns."""
        table = TABLES[name]
        names = self.compared(table)
        is_placed = table.strategy != "run" or self.has(name, "run_id")
        runs = [] if is_placed or self.has(name, "ti_id") else self.runs()
        by_id = {r["id"]: r for r in runs}
        by_date = {(r["dag_id"], r.get("execution_date")): r for r in runs}
        by_instance = {r.get("id"): r for r in self.instances()} if self.has(name, "ti_id") else {}
        found = {}
        for row in self.database.select(f'select * from "{name}"'):
            place = row
            if "ti_id" in row:
                place = {**by_instance[row["ti_id"]], **row}
            elif "dag_run_id" in row:
                place = {**by_id[row["dag_run_id"]], **row}
            elif table.strategy == "run" and "run_id" not in row:
                run = by_date.get((row["dag_id"], row["execution_date"]))
                if run is None:
                    continue
                place = {**row, "run_id": run["run_id"]}
            place = {"map_index": -1, **place}
            values = {n: _converted(place.get(n), table.columns[n], n) for n in names}
            if name == "import_error":      # belonged to no bundle before 3.x
                values["bundle_name"] = values.get("bundle_name") or ""
            found[tuple(values[k] for k in table.key)] = values
        return found

    def compared(self, table: Table) -> list[str]:
        """The columns of a table that this release has and that are landed as they are."""
        through = {"dag_id", "run_id", "map_index"} | (
            {"task_id", "try_number"} if self.has(table.name, "ti_id") else set())
        skipped = {"conf", "asset_expression", "dataset_expression", *table.volatile}  # JSON
        return [n for n in table.columns
                if n not in skipped and (self.has(table.name, n) or (n == "bundle_name" and
                                         table.name == "import_error") or (n in through
                                         and table.strategy == "run" and n in table.key))]

    def run_tables(self) -> list[str]:
        return [t.name for t in TABLES.values() if t.strategy == "run" and self._columns(t.name)
                and not t.name.endswith("_note")]

    # --- statements ----------------------------------------------------------------------------

    def _columns(self, table: str) -> dict[str, tuple[str, bool]]:
        if table not in self._declared:
            self._declared[table] = self.database.columns(table)
        return self._declared[table]

    def _insert(self, table: str, values: Row) -> None:
        columns = self._columns(table)
        given = {n: v for n, v in values.items() if n in columns}
        for name, (kind, is_required) in columns.items():
            if is_required and given.get(name) is None:
                given[name] = _filler(kind, self.now)
        names = ", ".join(f'"{n}"' for n in given)
        literals = ", ".join(self._literal(table, n, v) for n, v in given.items())
        self.database.execute(f'insert into "{table}" ({names}) values ({literals})')

    def _literal(self, table: str, column: str, value: Any) -> str:
        if self._columns(table)[column][0] == "boolean" and value is not None:
            value = bool(value)
        if isinstance(value, bytes | dict | list):      # pickles and JSON: never landed
            return "null"
        return self.database.literal(value)

    def _set(self, table: str, where: str, **values: Any) -> None:
        given = {n: v for n, v in values.items() if n in self._columns(table)}
        if given:
            changes = ", ".join(f'"{n}" = {self._literal(table, n, v)}' for n, v in given.items())
            self.database.execute(f'update "{table}" set {changes} where {where}')

    def _set_instance(self, instance: Row, *, touch: bool = True, **values: Any) -> None:
        if touch:
            values["updated_at"] = self.now
        self._set("task_instance", self.place_of(instance), **values)

    def _delete(self, table: str, where: str) -> None:
        self.database.execute(f'delete from "{table}" where {where}')

    def _place(self, instance: Row) -> Row:
        [run] = self.database.select(
            f"select * from dag_run where dag_id = {self._text(instance['dag_id'])} "
            f"and run_id = {self._text(instance['run_id'])}")
        return {**{n: instance[n] for n in ("dag_id", "run_id", "task_id", "map_index")
                   if n in instance}, "execution_date": run.get("execution_date")}

    def place_of(self, row: Row) -> str:
        """A condition that finds a run or an instance again."""
        names = [n for n in ("dag_id", "run_id", "task_id", "map_index") if n in row]
        return " and ".join(f"{n} = {self.database.literal(row[n])}" for n in names)

    def _text(self, value: Any) -> str:
        return self.database.literal(str(value))


def live_rows(con: Any, name: str, columns: Iterable[str], cluster: str) -> dict[Key, Row]:
    """The same of a landing table: its rows that are not buried."""
    names = list(columns)
    listed = ", ".join(f'"{n}"' for n in names)
    found = con.execute(f'select {listed} from landing."airflow_db__{name}" '
                        "where cluster = $1 and _deleted_at is null", [cluster]).fetchall()
    rows = [dict(zip(names, row, strict=True)) for row in found]
    keyed = {tuple(r[k] for k in TABLES[name].key): r for r in rows}
    assert len(keyed) == len(rows), f"{name}: a key is landed twice"
    return keyed


def _converted(value: Any, kind: str, name: str) -> Any:
    if value is None:
        return None
    if kind == "instant":
        return instant(value)
    if kind == "bool":
        return bool(value)
    if kind == "text":
        text = str(value)
        return str(uuid.UUID(text)) if name in _UUIDS and _BARE_UUID.fullmatch(text) else text
    return float(value) if kind == "float" else int(value)


def instant(value: Any) -> datetime:
    """Naive UTC, of SQLite's text or a driver's instant."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _filler(kind: str, now: datetime) -> Any:
    if "int" in kind or "float" in kind or "bool" in kind:
        return 0
    if "time" in kind:
        return now
    return str(uuid.UUID(int=0)) if kind == "uuid" else ""
