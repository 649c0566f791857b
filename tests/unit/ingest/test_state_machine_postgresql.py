"""The same lives on a real PostgreSQL, where reconciliation compares digests instead of rows.

    runs whose digest differs from the landing's  ->  read again; no other run ever is
"""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from ingest.sources.airflow_db.steps import Pace
from ingest.sources.airflow_db.tables import TABLES
from tests.airflow_world import PostgresDatabase, World
from tests.airflow_world_landing import Lab
from tests.databases import postgresql
from tests.unit.ingest.test_state_machine import Life, live

NUMBERS = itertools.count(1)
# An update past Airflow's code that gives a column of this kind another value.
OTHER = {
    "text": "concat(left({0}::text, 20), 'ü|~''')", "int": "coalesce({0}, 0) + 7",
    "float": "coalesce({0}, 0) + 0.001", "bool": "not coalesce({0}, false)",
    "instant": "coalesce({0}, '2026-01-02 03:04:05.678901+00') + interval '1 microsecond'",
}
UUID = "'0192a1b2-c3d4-7e5f-8091-a2b3c4d5e6f7'"
COPIES = 100


class LifeOnServer(Life):
    base: ClassVar[PostgresDatabase]

    def database(self) -> PostgresDatabase:
        return self.base.copy(f"life_{next(NUMBERS)}")


@pytest.fixture(scope="module", params=["3.1.8"])
def base(request: pytest.FixtureRequest) -> Iterator[PostgresDatabase]:
    with postgresql("timezone=Asia/Kolkata", "fsync=off") as server:
        yield PostgresDatabase.of_fixture(request.param, server, "base")


def test_landing_follows_whatever_happens(base: PostgresDatabase) -> None:
    LifeOnServer.base = base
    live(LifeOnServer, 2, 10)      # the first life is the dullest there is


def copy_rows(database: PostgresDatabase, table: str, where: str, **changed: str) -> None:
    """Copies of a row, one a number `g`."""
    kept = [n for n in database.columns(table) if n not in changed]
    names = ", ".join(f'"{n}"' for n in (*kept, *changed))
    values = ", ".join((*(f't."{n}"' for n in kept), *changed.values()))
    database.execute(f'insert into "{table}" ({names}) select {values} from "{table}" t '
                     f"cross join generate_series(1, {COPIES}) g where {where}")


def copy_a_run(database: PostgresDatabase) -> None:
    """Many runs alike, each with an instance, its former try and a visit of a sensor."""
    [run] = database.select("select dag_id, run_id from task_instance_history limit 1")
    there = f"t.dag_id = '{run['dag_id']}' and t.run_id = '{run['run_id']}'"
    database.execute("alter table dag_run drop constraint dag_run_dag_id_logical_date_key")
    copy_rows(database, "dag_run", there, run_id="'copy_' || g", id="10000 + g",
              state="'success'")
    copy_rows(database, "task_instance", f"{there} and t.id in (select id from task_instance o "
              f"where {there.replace('t.', 'o.')} limit 1)", run_id="'copy_' || g",
              id="gen_random_uuid()", task_id="'task'", map_index="-1", state="'success'")
    database.execute("delete from task_instance_history where task_instance_id not in "
                     "(select task_instance_id from task_instance_history limit 1)")
    copy_rows(database, "task_instance_history", "true", run_id="'copy_' || g", task_id="'task'",
              map_index="-1", task_instance_id="gen_random_uuid()")
    database.execute(
        "insert into task_reschedule (ti_id, start_date, end_date, duration, reschedule_date) "
        "select id, start_date, start_date, 1, start_date from task_instance "
        "where run_id like 'copy%'")


def test_every_column_changed_past_airflow_is_found(
        base: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = base.copy("columns")
    copy_a_run(database)
    world = World(database)
    lab = Lab(tmp_path / "var", world, database.url, monkeypatch)
    lab.pace = Pace()
    lab.poll()
    world.now += timedelta(days=2)
    quiet = lab.poll(reconcile="all")
    assert [m.kind for m in quiet] == ["increment", "reconcile"], "runs are read again for ever"
    assert not [b for m in quiet for b in m.batches]

    numbers = itertools.count(1)
    changed = []
    statements = ["set session_replication_role = replica"]     # no foreign keys
    for name in ("dag_run", "task_instance", "task_instance_history", "task_reschedule"):
        table = TABLES[name]
        types = database.columns(name)
        for column in world.compared(table):
            if column in (*table.key, "id", "ti_id", "updated_at") or column not in types:
                continue
            number = next(numbers)
            value = UUID if types[column][0] == "uuid" else OTHER[table.columns[column]].format(
                f'"{column}"')
            where = (f"run_id = 'copy_{number}'" if "run_id" in types else
                     f"ti_id in (select id from task_instance where run_id = 'copy_{number}')")
            statements.append(f'update "{name}" set "{column}" = {value} where {where}')
            changed.append((name, column))
    assert 70 < len(changed) <= COPIES
    database.execute("; ".join(statements))
    loads = lab.poll(reconcile="all")
    lab.check_against_source()
    found = sum(b.row_count for m in loads if m.kind == "reconcile" for b in m.batches)
    touched = sum(b.row_count for m in loads if m.kind == "increment" for b in m.batches)
    assert found + touched == len(changed)
    lab.check_loads()
    lab.check_rebuild()
    again = lab.poll(reconcile="all")
    assert [m.kind for m in again] == ["increment", "reconcile"]
    lab.con.close()
