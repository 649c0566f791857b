"""The SQL that asks Airflow's databases: for every release, only what is allowed, and it runs.

schemas of the fixtures ─► statements ─► prepared by SQLite; their texts looked through
"""

import functools
import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from ingest.contracts import Table
from ingest.sources.airflow_db import queries
from ingest.sources.airflow_db.source import Source
from ingest.sources.airflow_db.tables import FINAL_INSTANCE_STATES, INSTANCE_STATES, TABLES
from tests.fixture_databases import SQLITE, content, fixture, name_of

AT = datetime.fromisoformat("2026-11-22T06:41:05.000007")
# Tables and columns that must never be asked for, in any release.
FORBIDDEN_TABLES = ("connection", "variable", "xcom", "rendered_task_instance_fields", "ab_user",
                    "session", "callback", "callback_request", "dag_pickle", "hitl_detail",
                    "task_state_store", "asset_state_store", "revoked_token")
FORBIDDEN_COLUMNS = ("executor_config", "next_kwargs", "kwargs", "password", "val", "value",
                     "data", "k8s_pod_yaml", "source_code", "context_carrier", "encrypted")


def quote(name: str) -> str:
    return f'"{name}"'


@functools.cache
def source_of(path: Path) -> Source:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(content(path))
        names = [r[0] for r in connection.execute(
            "select name from sqlite_master where type = 'table'")]
        return Source("sqlite", {name: {r[1]: r[2].lower() for r in connection.execute(
            f'pragma table_info("{name}")')} for name in names}, quote)


def statements(source: Source) -> dict[str, str]:
    readable = [t for t in TABLES.values() if queries.can_be_read(source, t)]
    found = {t.name: queries.select_rows(source, t) for t in readable}
    found |= {f"{t.name} of runs": queries.select_rows(
        source, t, where=queries.runs_between(1, 9)) for t in readable if t.strategy == "run"}
    found |= {f"count of {t.name}": queries.count_by(source, t, "t.id / 10", "t.id > 1")
              for t in readable if t.strategy == "append"}
    return found | {
        "unfinished": queries.unfinished_runs(source),
        "touched": queries.touched_runs(source, AT),
        "instances": queries.runs_of_touched_instances(source, AT),
        "dates": f"select {queries.run_dates(source)} from dag_run dr",
    }


@pytest.mark.parametrize("path", SQLITE, ids=name_of)
def test_every_statement_runs_on_every_release(path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(content(path))
        for name, sql in statements(source_of(path)).items():
            columns = [d[0] for d in connection.execute(sql).description]
            if name in TABLES:
                assert columns == list(queries.present_columns(source_of(path), TABLES[name]))
                assert set(TABLES[name].key) <= set(columns)


@pytest.mark.parametrize("path", SQLITE, ids=name_of)
def test_nothing_outside_the_allow_list_is_asked_for(path: Path) -> None:
    for sql in statements(source_of(path)).values():
        assert sql.startswith("select ")
        assert ";" not in sql
        words = set(re.findall(r"\w+", re.sub(r"'[^']*'", "", sql)))
        assert not words & {*FORBIDDEN_TABLES, *FORBIDDEN_COLUMNS}
        assert "*" not in sql.replace("count(*)", "")


def test_the_allow_list_names_nothing_that_is_forbidden() -> None:
    assert not set(FORBIDDEN_TABLES) & set(TABLES)
    for table in TABLES.values():
        allowed = {"source_code"} if table.name == "dag_code" else set()
        assert set(FORBIDDEN_COLUMNS) & set(table.columns) <= allowed


@pytest.mark.parametrize(("name", "is_read"), [
    ("1.10.15/airflow.db", False), ("2.11.0/airflow.db", False), ("3.1.8/airflow.db", True)])
def test_conf_is_read_only_where_it_is_no_pickle(name: str, is_read: bool) -> None:
    source = source_of(fixture(name))
    assert ("conf" in queries.present_columns(source, TABLES["dag_run"])) is is_read


@pytest.mark.parametrize("kind", ["bytea", "longblob", "blob"])
def test_conf_of_a_half_upgraded_3_that_is_still_a_pickle_is_not_read(kind: str) -> None:
    source = source_of(fixture("3.1.8/airflow.db"))
    columns = {**source.columns, "dag_run": {**source.columns["dag_run"], "conf": kind}}
    assert "conf" not in queries.present_columns(
        Source("postgresql", columns, quote), TABLES["dag_run"])


@pytest.mark.parametrize(("dialect", "literal"), [
    ("sqlite", "'2026-11-22 06:41:05.000007'"),
    ("postgresql", "timestamptz '2026-11-22 06:41:05.000007+00:00'"),
    ("mysql", "timestamp '2026-11-22 06:41:05.000007'"),
])  # fmt: skip
def test_instants_are_written_with_all_their_digits(dialect: str, literal: str) -> None:
    assert Source(dialect, {}, quote).instant(AT) == literal


def test_only_numbers_reach_a_condition_on_runs() -> None:
    assert queries.runs_in([1, 2]) == "dr.id in (1, 2)"
    with pytest.raises(ValueError, match="invalid literal"):
        queries.runs_in(["1) or (1 = 1"])  # type: ignore[list-item]


def readable(columns: dict[str, dict[str, str]], table: Table) -> bool:
    return queries.can_be_read(Source("sqlite", columns, quote), table)


def test_a_table_without_its_key_or_its_way_to_the_run_is_left_out() -> None:
    columns = source_of(fixture("3.1.8/airflow.db")).columns
    assert all(readable(columns, TABLES[t]) for t in ("team", "task_reschedule", "deadline"))
    assert not readable({**columns, "team": {"id": "text"}}, TABLES["team"])
    no_id = {c: k for c, k in columns["task_instance"].items() if c != "id"}
    assert not readable({**columns, "task_instance": no_id}, TABLES["task_reschedule"])
    no_run = {c: k for c, k in columns["deadline"].items() if c != "dagrun_id"}
    assert not readable({**columns, "deadline": no_run}, TABLES["deadline"])
    assert not readable(columns, TABLES["dataset"])


def test_unfinished_states_are_ranges_that_leave_out_only_the_final_ones() -> None:
    condition = queries._not_among("state", FINAL_INSTANCE_STATES)
    words = [*sorted(INSTANCE_STATES), "", "a", "zombie", "skipped ", "faile", "failed2", None]
    with sqlite3.connect(":memory:") as con:
        con.execute("create table t (state text)")
        con.executemany("insert into t values (?)", [(w,) for w in words])
        found = {w for (w,) in con.execute(f"select state from t where {condition}")}
    con.close()
    assert found == set(words) - set(FINAL_INSTANCE_STATES)
