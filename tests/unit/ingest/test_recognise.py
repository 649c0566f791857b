"""Which Airflow a schema is of, from columns and Alembic heads alone.

tests/fixtures/airflow/*/*.db.xz ─► tables and columns ─► recognise ─► release, or a refusal
"""

import functools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ingest.sources.airflow_db.recognise import (
    REQUIRED,
    Columns,
    Recognised,
    landed_tables,
    recognise,
)
from ingest.sources.airflow_db.tables import TABLES
from tests.fixture_databases import SQLITE, content, fixture, head_of, name_of
from windsock.errors import NotAirflowError, SourceMigratingError

NEWER = "ffffffffffff"


@functools.cache
def schema(path: Path) -> Columns:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(content(path))
        names = [r[0] for r in connection.execute(
            "select name from sqlite_master where type = 'table'")]
        return {name: {r[1]: r[2].lower() for r in connection.execute(
            f'pragma table_info("{name}")')} for name in names}


def without(columns: Columns, table: str, *names: str) -> Columns:
    """The schema without some columns of a table; without the table when none are named."""
    rest = {t: c for t, c in columns.items() if t != table}
    kept = {c: k for c, k in columns[table].items() if c not in names}
    return {**rest, table: kept} if names else rest


def recognised(name: str, head: str = NEWER) -> Recognised:
    return recognise(schema(fixture(name)), [head])


@pytest.mark.parametrize("path", SQLITE, ids=name_of)
def test_every_fixture_is_the_release_that_wrote_it(path: Path) -> None:
    release = path.parent.name
    if release.startswith("upgraded"):
        release = "2.10.5" if path.name.startswith("before") else "3.1.8"
    found = recognise(schema(path), [head_of(path)])

    assert (found.head, found.is_known, found.warnings) == (head_of(path), True, ())
    assert str(found.major) == release[0]
    # A head stays for several releases: "2.10.3 to 2.11", where 2.11 is any of 2.11.
    first, last = (found.version.split(" to ") * 2)[:2]
    wanted, low, high = ([int(n) for n in v.split(".")] for v in (release, first, last))
    assert low <= wanted
    assert wanted[:len(high)] <= high
    assert set(landed_tables(schema(path))) <= set(TABLES)


@pytest.mark.parametrize(("name", "version", "major"), [
    ("1.10.15/airflow.db", "1.10 (unknown revision)", 1),
    ("2.4.3/airflow.db", "2.x (unknown revision)", 2),
    ("3.1.8/airflow.db", "3.3 or newer (unknown revision)", 3),
])  # fmt: skip
def test_an_unknown_head_is_told_by_its_family(name: str, version: str, major: int) -> None:
    found = recognised(name)
    assert (found.version, found.major, found.is_known) == (version, major, False)
    assert NEWER in found.warnings[0]


def test_no_head_at_all_is_an_unknown_one() -> None:
    found = recognise(schema(fixture("2.4.3/airflow.db")), [])
    assert (found.head, found.is_known) == (None, False)
    assert "none" in found.warnings[0]


@pytest.mark.parametrize(("table", "column"), [
    ("dag_run", "run_after"), ("dag_run", "conf"), ("task_instance", "pool"),
    ("serialized_dag", "data"), ("dag", "is_stale"), ("log", "event")])  # fmt: skip
def test_a_missing_column_of_an_unknown_head_is_named(table: str, column: str) -> None:
    found = recognise(without(schema(fixture("3.1.8/airflow.db")), table, column), [NEWER])
    assert f"{table}.{column}" in found.warnings[1]


def test_a_missing_table_of_an_unknown_head_is_named() -> None:
    found = recognise(without(schema(fixture("3.1.8/airflow.db")), "import_error"), [NEWER])
    assert "import_error" in found.warnings[1]
    assert "import_error.filename" not in found.warnings[1]


def test_more_columns_are_no_reason_for_more_warnings() -> None:
    columns = schema(fixture("3.1.8/airflow.db"))
    more = {**columns, "feelings": {"id": "integer"}, "dag": {**columns["dag"], "mood": "text"}}
    assert recognise(more, [NEWER]) == recognise(columns, [NEWER])


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, cs in REQUIRED.items() for c in cs])
def test_without_a_required_column_it_is_half_migrated(table: str, column: str) -> None:
    columns = without(schema(fixture("2.10.5/airflow.db")), table, column)
    with pytest.raises(SourceMigratingError, match=rf"{table}\.{column}") as caught:
        recognise(columns, ["5f2621c13b39"])
    assert "airflow db migrate" in caught.value.next_step


@pytest.mark.parametrize("table", ["dag_run", "task_instance"])
def test_without_a_required_table_it_is_half_migrated(table: str) -> None:
    with pytest.raises(SourceMigratingError, match=table):
        recognise(without(schema(fixture("2.10.5/airflow.db")), table), ["5f2621c13b39"])


@pytest.mark.parametrize(("more", "heads", "words"), [
    ({}, ["5f2621c13b39", "22ed7efa9da2"], "two schema revisions: 5f2621c13b39, 22ed7efa9da2"),
    ({"_alembic_tmp_dag_run": {"id": "int"}}, ["5f2621c13b39"], "_alembic_tmp_dag_run"),
])  # fmt: skip
def test_the_marks_of_a_migration_that_did_not_end(
    more: Columns, heads: list[str], words: str
) -> None:
    with pytest.raises(SourceMigratingError, match=words):
        recognise({**schema(fixture("2.10.5/airflow.db")), **more}, heads)


@pytest.mark.parametrize(("columns", "words"), [
    ({}, "no tables"),
    ({"customers": {"id": "int"}, "orders": {"id": "int"}}, "2 tables .customers, orders"),
    ({"alembic_version": {"version_num": "text"}, "superset": {"id": "int"}}, "none of Airflow's"),
])  # fmt: skip
def test_a_database_of_something_else(columns: Columns, words: str) -> None:
    with pytest.raises(NotAirflowError, match=words) as caught:
        recognise(columns, ["123"])
    assert caught.value.next_step
