"""Every SQLite fixture, landed and compared with a plain read, row for row and value for value.

tests/fixtures/airflow/*/*.db.xz ─► land_clusters ─► landing.airflow_db__* ═ sqlite3's own rows
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ingest.landing import ALL_TABLES
from ingest.sources.airflow_db.tables import TABLES
from tests.fixture_databases import (
    SQLITE,
    compare,
    expected,
    head_of,
    landed,
    landed_count,
    name_of,
    quiet_settings,
)

every_fixture = pytest.mark.parametrize("path", SQLITE, ids=name_of)


@every_fixture
def test_every_row_and_value_is_landed(path: Path) -> None:
    here = landed(path)

    assert not here.outcome.error
    for name in here.plain:
        compare(here.plain, here.place, name)


@every_fixture
def test_tables_that_a_release_does_not_have_stay_empty(path: Path) -> None:
    here = landed(path)

    absent = [name for name in TABLES if name not in here.plain]
    counts = {name: here.place.one(f'select count(*) from landing."airflow_db__{name}"')
              for name in absent}
    assert counts == dict.fromkeys(absent, 0)


@every_fixture
def test_the_release_is_recognised(path: Path) -> None:
    here = landed(path)

    [facts] = {tuple(r.values()) for r in here.place.query(
        "select facts->>'alembic_head' as head, facts->>'dialect' as dialect, "
        "facts->'warnings' as warnings from landing.loads")}
    assert facts == (head_of(path), "sqlite", "[]")


@every_fixture
def test_every_serialized_dag_has_a_structure(path: Path) -> None:
    here = landed(path)

    with closing(sqlite3.connect(here.database)) as connection:
        dags = {r[0] for r in connection.execute("select dag_id from serialized_dag")}
    found = here.place.rows("dag_structure", "dag_id, faults")
    assert dags <= {r["dag_id"] for r in found}
    assert {r["faults"] for r in found} == {None}
    with_tasks = {r["dag_id"] for r in here.place.rows("dag_structure_task", "distinct dag_id")}
    assert len(with_tasks) > 3


@every_fixture
def test_every_row_says_where_it_came_from(path: Path) -> None:
    here = landed(path)

    numbers = {m.load_number: m.load_id for m in here.outcome.loads}
    for name in ALL_TABLES:
        for row in here.place.rows(
                name, "distinct cluster, _load_number, _load_id, _source_uri, _observed_at, "
                      "_deleted_at, _delete_reason"):
            assert numbers[row["_load_number"]] == row["_load_id"]
            assert row["_source_uri"] == f"sqlite:///{here.database}"
            assert (row["cluster"], row["_deleted_at"], row["_delete_reason"]) == (
                "prod", None, None)
            assert f"{row['_observed_at']}" == "2026-11-22 12:00:00"


@every_fixture
def test_landing_again_and_reconciling_land_nothing(path: Path) -> None:
    here = landed(path)

    again = here.place.land(f"sqlite:///{here.database}",
                            settings=quiet_settings(reconcile="all"))

    assert landed_count(again.loads) == {}
    assert here.place.quarantined() == []
    kinds = {m.kind for m in again.loads}
    assert {"increment", "reconcile"} <= kinds


@every_fixture
def test_nothing_of_the_private_copy_is_left(path: Path) -> None:
    here = landed(path)

    assert list(here.place.layout.scratch.iterdir()) == []
    assert not (here.place.layout.locks / "load.json").exists()


@every_fixture
def test_conf_is_landed_where_it_is_json_and_nowhere_else(path: Path) -> None:
    here = landed(path)

    confs = [r["conf"] for r in here.place.rows("dag_run", "conf", "conf is not null")]
    is_three = any("logical_date" in row for row in here.plain["dag_run"])
    assert bool(confs) == is_three
    if is_three:
        assert any('"***"' in conf for conf in confs)
    assert len(expected(here.plain, "dag_run")) == len(here.plain["dag_run"])
