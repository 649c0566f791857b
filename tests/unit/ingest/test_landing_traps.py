"""What real Airflow databases hold that a naive landing would trip over.

fixture + a few lines of SQL (what a release, an operator or a bug does) ─► landed, kept, flagged
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fixture_databases import (
    MISSING_RUN,
    Place,
    ask,
    edit,
    fixture,
    landed,
    landed_count,
    place,
    unpack,
)

LONG = "d" * 249 + "é"
ODD_RUN = "weird run/id with slash ☃"
CHANGES = [
    f"update dag_run set run_id = '{ODD_RUN}' where dag_id = 'conf_run'",
    f"update task_instance set run_id = '{ODD_RUN}' where dag_id = 'conf_run'",
    f"update task_instance set task_id = '{LONG}' where dag_id = 'backfill_me'",
    "update task_instance set task_id = task_id || char(10) where task_id = 'after'",
    "update task_instance set state = 'on_holiday' where task_id = 'write'",
    "update dag_run set state = 'dreaming' where dag_id = 'setup_teardown'",
    "update task_instance set end_date = '2026-11-22 08:00:00.000000' where task_id = 'work'",
    "update task_instance set start_date = '2031-01-01 00:00:00.000000', end_date = null"
    " where task_id = 'make_cluster'",
    "update task_instance set queued_dttm = '2026-11-22 08:59:00.000000' where task_id = 'seconds'",
    "update task_instance set start_date = '2026-11-22T10:31:05.5+01:30' where task_id = 'big'",
    "update dag set schedule_interval = null, is_active = null where dag_id = 'no_tasks'",
    "update dag set description = cast(x'ff4100e29883' as text) where dag_id = 'no_tasks'",
    "update dag set is_paused = 't' where dag_id = 'task_ended'",
    "insert into slot_pool (pool, slots, include_deferred) values ('zero', 0, 0), ('all', -1, 1)",
    "insert into dag_tag (name, dag_id) values ('☃ ''; drop table dag; --', 'no_tasks')",
    "update task_instance set hostname = null where task_id = 'for_ever'",
]  # fmt: skip


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("odd")
    database = unpack(fixture("2.10.5/airflow.db"), folder, *CHANGES)
    with place(folder) as here:
        here.land(f"sqlite:///{database}")
        assert landed_count(here.land(f"sqlite:///{database}").loads) == {}
        assert here.quarantined() == []
        assert len(here.rows("task_instance")) == 50
        yield here


def instances(here: Place, where: str, columns: str) -> list[tuple[Any, ...]]:
    return [tuple(r.values()) for r in here.rows("task_instance", columns, where)]


def flags(here: Place, where: str) -> list[str]:
    [(found,)] = set(instances(here, where, "coalesce(_row_flags::varchar, '[]')"))
    return str(found).strip("[]").split(", ")


# --- what people and bugs write ----------------------------------------------------------------

def test_odd_run_ids_keep_every_character(odd: Place) -> None:
    [run] = odd.rows("dag_run", "*", f"run_id = '{ODD_RUN}'")
    assert (run["dag_id"], run["_row_flags"]) == ("conf_run", None)
    assert instances(odd, f"run_id = '{ODD_RUN}'", "task_id") == [("big",)]
    assert odd.rows("dag_run", "dag_id", "run_id = 'adhoc:weird.id~v1+x'")


def test_ids_of_the_full_length(odd: Place) -> None:
    assert instances(odd, "dag_id = 'backfill_me'", "task_id") == [(LONG,), (LONG,)]


def test_a_newline_in_an_id_is_kept_and_flagged(odd: Place) -> None:
    assert instances(odd, "task_id like 'after_'", "task_id") == [("after\n",)]
    assert flags(odd, "task_id like 'after_'") == ["odd_id"]


@pytest.mark.parametrize(("task", "flag"), [
    ("write", "unknown_state"),
    ("work", "ended_before_started"),
    ("make_cluster", "in_the_future"),
    ("seconds", "queued_after_started"),
    ("report", ""),
    ("never", ""),
])  # fmt: skip
def test_a_value_fault_is_flagged_and_nothing_else(odd: Place, task: str, flag: str) -> None:
    assert flags(odd, f"task_id = '{task}'") == [flag]


def test_an_unknown_state_is_landed_as_it_is(odd: Place) -> None:
    assert instances(odd, "task_id = 'write'", "state") == [("on_holiday",)]
    [run] = odd.rows("dag_run", "state, _row_flags", "dag_id = 'setup_teardown'")
    assert run == {"state": "dreaming", "_row_flags": ["unknown_state"]}


def test_no_state_is_no_state(odd: Place) -> None:
    assert instances(odd, "dag_id = 'paused_dag'", "state, start_date, try_number") == [
        (None, None, 0)]


def test_instants_are_utc_with_or_without_an_offset(odd: Place) -> None:
    assert instances(odd, "task_id = 'big'", "start_date") == [
        (datetime.fromisoformat("2026-11-22T09:01:05.5"),)]
    [kind] = odd.query("select data_type from duckdb_columns() where table_name = "
                       "'airflow_db__task_instance' and column_name = 'start_date'")
    assert kind == {"data_type": "TIMESTAMP"}


def test_sql_null_and_the_json_text_null_differ(odd: Place) -> None:
    found = {r["dag_id"]: r["schedule_interval"] for r in odd.rows("dag")}
    assert found["no_tasks"] is None
    assert found["conf_run"] == "null"
    assert found["backfill_me"] == '"@daily"'
    assert found["asset_consumer"] == '"Dataset"'


def test_booleans_have_three_values_and_several_spellings(odd: Place) -> None:
    found = {r["dag_id"]: (r["is_paused"], r["is_active"]) for r in odd.rows("dag")}
    assert found["no_tasks"][1] is None
    assert found["paused_dag"] == (True, True)
    assert found["conf_run"] == (False, True)
    assert found["task_ended"][0] is True


def test_text_that_is_no_utf8_does_not_stop_a_landing(odd: Place) -> None:
    [row] = odd.rows("dag", "description", "dag_id = 'no_tasks'")
    assert row["description"] == "\ufffdA\ufffd☃"


def test_tags_and_owners_are_only_text(odd: Place) -> None:
    tags = {r["name"] for r in odd.rows("dag_tag", "name")}
    assert {"ünïcode-täg", "team:ads", "☃ '; drop table dag; --"} <= tags
    owners = {r["owners"] for r in odd.rows("dag", "owners")}
    assert any("ads,platform" in o for o in owners)


def test_pools_without_slots_and_without_a_limit(odd: Place) -> None:
    slots = {r["pool"]: (r["slots"], r["include_deferred"]) for r in odd.rows("slot_pool")}
    assert (slots["zero"], slots["all"]) == ((0, False), (-1, True))


def test_an_empty_host_name_is_not_an_unknown_one(odd: Place) -> None:
    assert instances(odd, "task_id = 'for_ever'", "hostname") == [(None,)]
    assert instances(odd, "task_id = 'nothing'", "hostname") == [("",)]


# --- what releases write -----------------------------------------------------------------------

@pytest.mark.parametrize(("name", "where", "tries"), [
    ("1.10.15/airflow.db", "task_id = 'sensor_resched'", {("failed", 0)}),
    ("2.4.3/airflow.db", "dag_id = 'orders_chain' and task_id = 'start'", {("success", 0)}),
    ("2.10.5/airflow.db", "dag_id = 'orders_chain' and task_id = 'start'", {("success", 1)}),
    ("2.10.5/airflow.db", "state = 'scheduled'", {("scheduled", 1)}),
    ("2.4.3/airflow.db", "state = 'scheduled'", {("scheduled", 0)}),
    ("2.10.5/airflow.db", "state = 'upstream_failed'", {("upstream_failed", 0)}),
    ("3.1.8/airflow.db", "dag_id = 'retry_once' and task_id = 'fails'", {("failed", 2)}),
])  # fmt: skip
def test_try_numbers_are_not_interpreted(name: str, where: str, tries: set[Any]) -> None:
    assert set(instances(landed(fixture(name)).place, where, "state, try_number")) == tries


def test_a_live_try_and_its_history_row_share_a_number() -> None:
    here = landed(fixture("2.11.0/airflow.db")).place
    assert here.query(
        "select i.state, h.state as was from landing.airflow_db__task_instance as i "
        "inner join landing.airflow_db__task_instance_history as h "
        "using (cluster, dag_id, run_id, task_id, map_index, try_number) "
        "where dag_id = 'retry_waiting'") == [{"state": "up_for_retry", "was": "failed"}]


@pytest.mark.parametrize("name", ["2.4.3/airflow.db", "2.10.5/airflow.db", "3.1.8/airflow.db"])
def test_a_mapped_task_of_no_length_is_one_row(name: str) -> None:
    here = landed(fixture(name)).place
    columns = "map_index, state, start_date, end_date, duration, queued_dttm"
    assert instances(here, "task_id = 'nothing'", columns) == [
        (-1, "skipped", None, None, None, None)]
    assert sorted(instances(here, "task_id = 'divide'", "map_index")) == [(0,), (1,), (2,)]


def test_removed_tasks_keep_what_they_were() -> None:
    here = landed(fixture("2.11.0/airflow.db")).place
    found = instances(here, "state = 'removed'", "start_date is null, _row_flags")
    assert sorted(found) == [(False, None)] * 4 + [(True, None)] * 4


def test_negative_durations_of_3_on_sqlite_are_landed_as_they_are() -> None:
    here = landed(fixture("upgraded-2.10.5-to-3.1.8/after.db"))
    source = sorted(ask(here.database, "select duration from task_instance where duration < 0"))
    assert source
    assert sorted(instances(here.place, "duration < 0", "duration")) == source


def test_the_whole_of_a_run_without_a_logical_date() -> None:
    here = landed(fixture("3.1.8/airflow.db")).place
    runs = here.rows("dag_run", "run_type, run_after, data_interval_start", "logical_date is null")
    assert {r["run_type"] for r in runs} == {"manual", "asset_triggered"}
    assert all(r["run_after"] and not r["data_interval_start"] for r in runs)


def test_reschedules_of_3_find_their_task_through_the_instance() -> None:
    here = landed(fixture("3.1.8/airflow.db")).place
    columns = "dag_id, task_id, map_index, try_number"
    assert [tuple(r.values()) for r in here.rows("task_reschedule", columns)] == [
        ("sensor_reschedule", "wait", -1, 1)] * 2


@pytest.mark.parametrize(("name", "file"), [
    ("2.10.5/airflow.db", ("/opt/airflow/dags/broken_import.py", "")),
    ("3.1.8/airflow.db", ("broken_import.py", "dags-folder")),
])  # fmt: skip
def test_an_import_error_is_of_a_file_that_may_have_no_dag(
    name: str, file: tuple[str, str]
) -> None:
    here = landed(fixture(name)).place
    [error] = here.rows("import_error")
    assert (error["filename"], error["bundle_name"]) == file
    assert "Traceback" in error["stacktrace"]
    assert here.rows("dag", "*", "fileloc like '%broken_import%'") == []


def test_compressed_serialized_dags_beside_the_json_text_null() -> None:
    here = landed(fixture("2.11.0/airflow-compressed.db"))
    assert set(ask(here.database, "select data, hex(substr(data_compressed, 1, 2)) "
                                  "from serialized_dag")) == {("null", "789C")}
    assert {r["dag_id"] for r in here.place.rows("dag_structure", "dag_id")} == {
        "groups_setup", "branching_rules", "sales_etl", "mapped_tasks"}
    assert here.place.one("select count(*) from landing.airflow_db__dag_structure_task") > 20


def test_only_the_warning_without_source_code_keeps_its_text() -> None:
    here = landed(fixture("2.10.5/airflow.db")).place
    [warning] = here.rows("dag_warning", "warning_type, message")
    assert warning["warning_type"] == "non-existent pool"
    assert "no_such_pool" in warning["message"] or "pool" in warning["message"]


def test_audit_rows_keep_what_was_done_and_by_whom() -> None:
    here = landed(fixture("2.11.0/airflow.db")).place
    events = {r["event"] for r in here.rows("log", "distinct event")}
    assert not {"cli_task_run", "cli_run"} & events
    assert {"heartbeat timeout", "state mismatch", "api.patch_dag"} & events
    paused = here.rows("log", "extra, owner", "event = 'api.patch_dag' and extra is not null")
    assert paused
    assert all(set(json.loads(r["extra"])) <= {"is_paused"} and r["owner"] for r in paused)


# --- rows that change their identity -----------------------------------------------------------

def test_a_new_try_of_3_has_a_new_uuid_and_stays_one_row(tmp_path: Path) -> None:
    database = unpack(fixture("3.1.8/airflow.db"), tmp_path)
    with place(tmp_path) as here:
        here.land(f"sqlite:///{database}")
        [before] = here.rows("task_instance", "id", "task_id = 'recovers'")
        edit(database,
             "update task_instance set id = 'AAAAAAAABBBB4CCC8DDDEEEEEEEEEEEE', try_number = 3, "
             "start_date = '2026-11-22 11:59:00.000000', end_date = null, state = 'running', "
             "updated_at = '2026-11-22 11:59:00.000000' where task_id = 'recovers'")
        here.land(f"sqlite:///{database}")

        [now] = here.rows("task_instance", "*", "task_id = 'recovers'")
        assert (now["id"], now["try_number"], now["state"]) == (
            "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE", 3, "running")
        [replaced] = here.rows("task_instance__replaced", "*", "task_id = 'recovers'")
        assert (replaced["id"], replaced["try_number"]) == (before["id"], 2)
        assert f"{replaced['_replaced_at']}" == "2026-11-22 12:00:00"


ORPHAN = ("insert into task_instance (task_id, dag_id, execution_date, state, try_number, pool, "
          "start_date) values ('alone', 'sales_etl', '2026-11-01 03:00:00.000000', 'running', 1, "
          "'default_pool', '2026-11-22 06:00:00.000000')")


def test_an_instance_without_a_run_is_landed_under_a_run_id_of_its_own(tmp_path: Path) -> None:
    """Before 2.2 `airflow tasks run` made them."""
    database = unpack(fixture("1.10.15/airflow.db"), tmp_path, ORPHAN)
    with place(tmp_path) as here:
        here.land(f"sqlite:///{database}")
        assert landed_count(here.land(f"sqlite:///{database}").loads) == {}

        [row] = here.rows("task_instance", "*", "task_id = 'alone'")
        assert row["run_id"] == f"{MISSING_RUN}2026-11-01T03:00:00+00:00"
        assert row["_row_flags"] == ["missing_dag_run"]
        assert here.rows("dag_run", "*", f"starts_with(run_id, '{MISSING_RUN}')") == []


def test_an_instance_that_gets_its_run_later_is_not_counted_twice(tmp_path: Path) -> None:
    database = unpack(fixture("1.10.15/airflow.db"), tmp_path, ORPHAN)
    with place(tmp_path) as here:
        here.land(f"sqlite:///{database}")
        edit(database,
             "insert into dag_run (dag_id, run_id, execution_date, state, start_date, "
             "external_trigger) values ('sales_etl', 'late', '2026-11-01 03:00:00.000000', "
             "'running', '2026-11-22 06:00:00.000000', 1)")
        here.land(f"sqlite:///{database}")

        live = here.rows("task_instance", "run_id", "task_id = 'alone' and _deleted_at is null")
        assert live == [{"run_id": "late"}]
