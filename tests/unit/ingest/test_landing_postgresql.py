"""Every PostgreSQL fixture on a real server, landed and compared with what psql says.

tests/fixtures/airflow/*/*.sql.xz ─► PostgreSQL from a wheel ─► land_clusters ═ row_to_json
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.databases import PASSWORD, Server, postgresql
from tests.fixture_databases import (
    NOW,
    POSTGRESQL,
    SECRETS,
    UPGRADED,
    Place,
    Plain,
    compare,
    head_of,
    landed,
    landed_count,
    load_postgresql,
    name_of,
    place,
    plain_postgresql,
    quiet_settings,
)

THREE_THREE = "d2f4e1b3c5a7"


@dataclass(frozen=True)
class OnServer:
    path: Path
    url: str
    database: str
    plain: Plain
    place: Place


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql("timezone=America/New_York", "fsync=off") as running:
        yield running


@pytest.fixture(scope="module", params=POSTGRESQL, ids=name_of)
def on_server(
    server: Server, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnServer]:
    database = load_postgresql(server, request.param)
    if head_of(request.param) == THREE_THREE:
        server.execute("update task_instance_history set trigger_timeout = '2026-11-22 05:00:00'",
                       database)
    url = server.url(database)
    with place(tmp_path_factory.mktemp("landed")) as here:
        here.land(url)
        yield OnServer(request.param, url, database, plain_postgresql(server, database), here)


def test_every_row_and_value_is_landed(on_server: OnServer) -> None:
    assert len(on_server.plain["task_instance"]) > 40
    for name in on_server.plain:
        compare(on_server.plain, on_server.place, name)


def test_the_release_and_every_structure(on_server: OnServer, server: Server) -> None:
    loads = on_server.place.query(
        "select distinct facts->>'alembic_head' as head, facts->>'dialect' as dialect, "
        "facts->'warnings' as warnings from landing.loads where kind = 'history'")
    assert loads == [{"head": head_of(on_server.path), "dialect": "postgresql", "warnings": "[]"}]
    dags = set(server.execute("select dag_id from serialized_dag", on_server.database).split())
    structures = on_server.place.rows("dag_structure", "dag_id, faults")
    assert dags <= {r["dag_id"] for r in structures}
    assert {r["faults"] for r in structures} == {None}


def test_landing_again_and_reconciling_land_nothing(on_server: OnServer) -> None:
    again = on_server.place.land(on_server.url, settings=quiet_settings(reconcile="all"))

    assert [m.kind for m in again.loads].count("reconcile") > 0
    assert landed_count(again.loads) == {}
    assert on_server.place.quarantined() == []


def test_no_secret_and_no_password_of_the_url(on_server: OnServer) -> None:
    [uri] = {r["source_uri"] for r in on_server.place.query("select source_uri from landing.loads")}
    assert PASSWORD not in uri
    assert uri.endswith(on_server.database)
    for (name,) in on_server.place.con.execute(
            "select table_name from duckdb_tables() where schema_name = 'landing'").fetchall():
        text = str(on_server.place.query(f'select * from landing."{name}"'))
        assert [s for s in (*SECRETS, PASSWORD) if s in text] == []


# PostgreSQL dump -> SQLite file of the same release over the same DAGs
SIBLINGS = {"postgres.sql.xz": "airflow.db.xz", "before.sql.xz": "before.db.xz"}
WITH_SIBLING = [p for p in POSTGRESQL if p.name in SIBLINGS]
OF_THREE_THREE = [p for p in POSTGRESQL if p.parent.name == "3.3.2"]


@pytest.mark.parametrize("on_server", WITH_SIBLING, indirect=True, ids=name_of)
def test_postgresql_and_sqlite_land_the_same_shape(on_server: OnServer) -> None:
    """The same release over the same DAGs: the same columns are filled, by the same structures."""
    sqlite = landed(on_server.path.with_name(SIBLINGS[on_server.path.name])).place
    for name in ("dag_run", "task_instance", "dag", "serialized_dag", "dag_structure_task",
                 "slot_pool", "task_reschedule", "task_instance_history"):
        columns = [r["column_name"] for r in sqlite.query(
            f"select column_name from duckdb_columns() where table_name = 'airflow_db__{name}'")]
        filled = ", ".join(f'count("{c}") > 0 as "{c}"' for c in columns)
        [there], [here] = (p.rows(name, filled, order="1") for p in (on_server.place, sqlite))
        differing = {c: there[c] for c in columns if there[c] != here[c]}
        assert set(differing) <= {"_row_flags"}, name
    ids = "dag_id, task_id, operator, downstream_task_ids"
    same = [p.rows("dag_structure_task", ids) for p in (on_server.place, sqlite)]
    assert same[0] == same[1]


@pytest.mark.parametrize("on_server", OF_THREE_THREE, indirect=True, ids=name_of)
def test_an_instant_without_a_zone_is_utc_whatever_the_server_thinks(on_server: OnServer) -> None:
    """3.3 declares task_instance_history.trigger_timeout as `timestamp`, all else with a zone."""
    found = on_server.place.rows("task_instance_history", "distinct trigger_timeout")
    assert [f"{r['trigger_timeout']}" for r in found] == ["2026-11-22 05:00:00"]


@pytest.mark.parametrize("on_server", OF_THREE_THREE, indirect=True, ids=name_of)
def test_a_dag_id_in_two_files_is_one_dag_with_two_versions(on_server: OnServer) -> None:
    here = on_server.place
    assert len(here.rows("dag", "dag_id", "dag_id = 'duplicated_id'")) == 1
    assert len(here.rows("dag_version", "id", "dag_id = 'duplicated_id'")) == 2
    assert len(here.rows("dag_structure", "dag_hash", "dag_id = 'duplicated_id'")) == 2


def test_an_upgrade_in_place_keeps_one_history(server: Server, tmp_path: Path) -> None:
    """2.10.5, landed; then 3.1.8's `db migrate` and work; then landed again under one name."""
    before, after = (load_postgresql(server, UPGRADED / f"{w}.sql.xz")
                     for w in ("before", "after"))
    with place(tmp_path) as here:
        here.land(server.url(before))
        first = {tuple(r.values()) for r in here.rows(
            "task_instance", "dag_id, run_id, task_id, map_index")}
        outcome = here.land(server.url(after), now=NOW + timedelta(minutes=1))
        assert "reconcile" in {m.kind for m in outcome.loads}

        plain = plain_postgresql(server, after)
        for name in set(plain) - {"dag_code", "job", "log"}:     # old rows stay as they were
            compare(plain, here, name)
        live = {tuple(r.values()) for r in here.rows(
            "task_instance", "dag_id, run_id, task_id, map_index", "_deleted_at is null")}
        assert len(first) == 50
        assert len(live) == 64
        assert first <= live
        assert here.rows("dag_run", "*", "_deleted_at is not null") == []
        types = {r["run_type"] for r in here.rows("dag_run", "run_type")}
        assert "asset_triggered" in types
        assert "dataset_triggered" not in types
        assert any("dataset_triggered__" in r["run_id"] for r in here.rows("dag_run", "run_id"))
        again = here.land(server.url(after), now=NOW + timedelta(minutes=2))
        assert landed_count(again.loads) == {}

