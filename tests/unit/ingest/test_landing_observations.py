"""What only a landing sees: values that Airflow overwrites, rows that it forgets.

landing ─► the source moves on ─► landing: the replaced image stays, what is gone gets a tombstone
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.contracts import landing_name
from tests.fixture_databases import (
    NOW,
    UPGRADED,
    Place,
    compare,
    content,
    edit,
    fixture,
    landed_count,
    place,
    plain_sqlite,
    quiet_settings,
    unpack,
)

ALL = quiet_settings(reconcile="all")
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path) as empty:
        yield empty


def replaced(here: Place, table: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    return [tuple(r.values()) for r in here.rows(f"{table}__replaced", columns, where)]


def tombstones(here: Place, table: str, columns: str) -> list[tuple[Any, ...]]:
    return [tuple(r.values()) for r in here.rows(
        table, f"{columns}, _delete_reason, _deleted_at = _observed_at", "_deleted_at is not null")]


def test_dags_pools_and_import_errors_leave_their_traces(here: Place) -> None:
    database = unpack(fixture("2.10.5/airflow.db"), here.folder)
    url = f"sqlite:///{database}"
    here.land(url)
    edit(database,
         "update slot_pool set slots = 7 where pool = 'default_pool'",
         "update dag set is_paused = 0 where dag_id = 'paused_dag'",
         "update dag set next_dagrun = '2026-01-09 00:00:00.000000' where dag_id = 'backfill_me'",
         "update dag set last_parsed_time = '2026-11-22 11:59:59.000000'",
         "update import_error set stacktrace = 'Traceback: another one', id = 77")
    changed = here.land(url, now=LATER)

    # What changes with every parse alone is no change.
    assert landed_count(changed.loads) == {"slot_pool": 1, "dag": 2, "import_error": 1}
    assert replaced(here, "slot_pool", "pool, slots, _replaced_at = timestamp '2026-11-22 12:01'"
                    ) == [("default_pool", 128, True)]
    assert replaced(here, "dag", "dag_id, is_paused") == [("backfill_me", False),
                                                          ("paused_dag", True)]
    [(first, seen_at)] = replaced(here, "import_error", "stacktrace, _observed_at")
    assert "ModuleNotFoundError" in first
    assert f"{seen_at}" == "2026-11-22 12:00:00"

    edit(database, "delete from import_error")
    here.land(url, now=NOW + timedelta(minutes=2))
    [(text, fixed_at, reason)] = [tuple(r.values()) for r in here.rows(
        "import_error", "stacktrace, _deleted_at, _delete_reason")]
    assert (text, f"{fixed_at}", reason) == (
        "Traceback: another one", "2026-11-22 12:02:00", "deleted")

    edit(database, "insert into import_error (id, timestamp, filename, stacktrace) values (78, "
                   "'2026-11-22 12:02:30', '/opt/airflow/dags/broken_import.py', 'broken again')")
    here.land(url, now=NOW + timedelta(minutes=3))
    [row] = here.rows("import_error")
    assert (row["stacktrace"], row["_deleted_at"]) == ("broken again", None)
    assert [r[0] for r in replaced(here, "import_error", "_deleted_at is null")] == [False, True]


def test_retries_of_a_release_without_history_are_kept(here: Place) -> None:
    """2.4 overwrites a task instance with each try; nothing else remembers the one before."""
    database = unpack(fixture("2.4.3/airflow.db"), here.folder)
    url = f"sqlite:///{database}"
    here.land(url)
    assert "task_instance_history" not in plain_sqlite(database)
    for number in (3, 4):
        edit(database,
             f"update task_instance set try_number = {number}, state = 'running', end_date = null,"
             f" start_date = '2026-11-22 11:5{number}:00.000000' where task_id = 'recovers'",
             "update dag_run set state = 'running', end_date = null where dag_id = 'retry_once'")
        here.land(url, now=NOW + timedelta(minutes=number))

    assert replaced(here, "task_instance", "task_id, try_number, state") == [
        ("recovers", 2, "success"), ("recovers", 3, "running")]
    assert here.rows("task_instance", "try_number", "task_id = 'recovers'") == [{"try_number": 4}]


def test_structures_of_vanished_and_of_changed_dags_stay(here: Place) -> None:
    database = unpack(fixture("2.11.0/airflow-compressed.db"), here.folder)
    url = f"sqlite:///{database}"
    here.land(url)
    before = here.rows("dag_structure_task", "dag_id, task_id, downstream_task_ids")
    edit(database,
         "delete from serialized_dag where dag_id = 'sales_etl'",
         "update serialized_dag set dag_hash = 'ffff' where dag_id = 'mapped_tasks'")
    here.land(url, now=LATER)

    kept = here.rows("dag_structure_task", "distinct dag_id, task_id, downstream_task_ids",
                     "_deleted_at is null")
    assert kept == before
    assert tombstones(here, "serialized_dag", "dag_id") == [("sales_etl", "deleted", True)]
    versions = here.rows("dag_structure", "dag_hash", "dag_id = 'mapped_tasks'")
    assert len(versions) == 2
    assert {"dag_hash": "ffff"} in versions


def test_a_deleted_run_and_a_deleted_instance_get_tombstones(here: Place) -> None:
    database = unpack(fixture("2.10.5/airflow.db"), here.folder)
    url = f"sqlite:///{database}"
    here.land(url)
    edit(database,
         "delete from dag_run where dag_id = 'mapped_tasks'",
         "delete from task_instance where dag_id = 'mapped_tasks'",
         "delete from task_instance where dag_id = 'orders_chain' and task_id = 'report'"
         " and run_id like '%01-02%'")
    here.land(url, now=LATER, settings=ALL)

    assert tombstones(here, "dag_run", "dag_id") == [("mapped_tasks", "deleted", True)]
    gone = tombstones(here, "task_instance", "dag_id")
    assert gone == [("mapped_tasks", "deleted", True)] * 7 + [("orders_chain", "deleted", True)]
    [was] = here.rows("task_instance", "state, try_number", "task_id = 'report' "
                      "and _deleted_at is not null")
    assert was == {"state": "success", "try_number": 1}


def test_airflow_db_clean_does_not_shrink_what_is_landed(here: Place) -> None:
    """`db clean` takes all that is older than a day, but the newest run of each DAG's schedule."""
    database = unpack(fixture("2.11.0/airflow.db"), here.folder)
    url = f"sqlite:///{database}"
    here.land(url)
    counts = count_all(here)
    old = ("run_id in (select run_id from dag_run as r where r.dag_id = {t}.dag_id and "
           "r.start_date < '2026-11-22 06:20' and not (external_trigger = 0 and r.start_date = ("
           "select max(start_date) from dag_run where dag_id = r.dag_id "
           "and external_trigger = 0)))")
    edit(database,
         *(f"delete from {t} where {old.format(t=t)}" for t in (
             "task_instance", "task_instance_history", "task_fail", "task_reschedule", "dag_run")),
         "delete from log where dttm < '2026-11-22 06:20'",
         "delete from job where latest_heartbeat < '2026-11-22 06:20'")
    here.land(url, now=NOW + timedelta(days=30), settings=ALL)

    assert count_all(here) == counts
    for table in ("dag_run", "task_instance", "log"):
        found = tombstones(here, table, "cluster")
        assert len(found) > 20, table
        assert set(found) == {("prod", "retention", True)}, table
    compare(plain_sqlite(database), here, "task_instance")
    again = here.land(url, now=NOW + timedelta(days=30), settings=ALL)
    assert landed_count(again.loads) == {}


def count_all(here: Place) -> dict[str, int]:
    names = ("dag_run", "task_instance", "task_instance_history", "task_fail", "log", "job")
    return {n: here.one(f"select count(*) from landing.{landing_name('airflow_db', n)}")
            for n in names}


def test_an_upgrade_that_empties_the_task_tables_keeps_one_history(here: Place) -> None:
    """2.10.5 to 3.1.8 on SQLite: Airflow's own migration loses every task instance."""
    database = unpack(UPGRADED / "before.db.xz", here.folder)
    url = f"sqlite:///{database}"
    here.land(url)
    columns = "dag_id, run_id, task_id, map_index, state, start_date, end_date, try_number"
    before = {tuple(r.values()) for r in here.rows("task_instance", columns)}
    database.write_bytes(content(UPGRADED / "after.db.xz"))
    upgraded = here.land(url, now=LATER)

    assert "reconcile" in {m.kind for m in upgraded.loads}
    plain = plain_sqlite(database)
    for name in set(plain) - {"dag_code", "job", "log"}:     # old rows stay as they were
        compare(plain, here, name)
    # Forgotten by Airflow is not deleted by a person.
    lost = here.rows("task_instance", "distinct _delete_reason", "_deleted_at is not null")
    assert lost == [{"_delete_reason": "retention"}]
    everything = {tuple(r.values()) for r in here.rows("task_instance", columns)}
    assert len(before) == 50
    assert {key[:4] for key in before} <= {key[:4] for key in everything}
    assert len(before - everything) <= 4          # what 3.1.8 has run again since
    assert here.rows("dag_run", "*", "_deleted_at is not null") == []
    assert here.rows("dataset", "uri, _deleted_at") == [
        {"uri": r["uri"], "_deleted_at": None} for r in here.rows("dataset", "uri")]

    assert landed_count(here.land(url, now=NOW + timedelta(minutes=2)).loads) == {}
    # From here on the schema is settled, and what goes was deleted.
    edit(database, "delete from task_instance where dag_id = 'no_such_pool'")
    here.land(url, now=NOW + timedelta(minutes=3), settings=ALL)
    assert {r["_delete_reason"] for r in here.rows(
        "task_instance", "_delete_reason", "dag_id = 'no_such_pool'")} == {"deleted"}
