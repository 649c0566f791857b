"""The MariaDB fixtures on a real server, landed and compared with what pymysql reads.

tests/fixtures/airflow/*/mariadb.sql.xz ─► MariaDB ─► land_clusters ═ select * through SQLAlchemy
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from ingest.landing import ALL_TABLES
from tests.databases import PASSWORD, USER, Server, mariadb, mariadb_installed
from tests.fixture_databases import (
    MARIADB,
    SECRETS,
    Place,
    Plain,
    compare,
    content,
    head_of,
    landed,
    landed_count,
    name_of,
    place,
    quiet_settings,
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not mariadb_installed(), reason="needs apt-get install mariadb-server"),
]


@dataclass(frozen=True)
class OnServer:
    path: Path
    url: str
    plain: Plain
    place: Place


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with mariadb("--default-time-zone=-05:00") as running:
        yield running


@pytest.fixture(scope="module", params=MARIADB, ids=name_of)
def on_server(
    server: Server, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnServer]:
    database = "d" + name_of(request.param).replace(".", "_").replace("/", "_")
    server.execute(f"create database {database} character set utf8mb4; "
                   f"grant select on {database}.* to {USER}@'%'", "mysql")
    server.execute(content(request.param).decode(), database)
    url = server.url(database)
    with place(tmp_path_factory.mktemp("landed")) as here:
        here.land(url)
        yield OnServer(request.param, url, plain(url), here)


def plain(url: str) -> Plain:
    """Every row of every allow-listed table, with instants as ISO texts."""
    engine = create_engine(url.replace("mysql://", "mysql+pymysql://"))
    try:
        with engine.connect() as connection:
            # `timestamp` columns are given in the session's zone; the server stands in another.
            connection.execute(text("set time_zone = '+00:00'"))
            names = [n for n in inspect(connection).get_table_names() if n in ALL_TABLES]
            return {n: [{c: value(v) for c, v in row.items()} for row in connection.execute(
                text(f"select * from `{n}`")).mappings()] for n in names}
    finally:
        engine.dispose()


def value(found: Any) -> Any:
    return found.isoformat(sep=" ") if isinstance(found, datetime) else found


def test_every_row_and_value_is_landed(on_server: OnServer) -> None:
    assert len(on_server.plain["task_instance"]) > 30
    for name in on_server.plain:
        compare(on_server.plain, on_server.place, name)


def test_the_release_and_every_structure(on_server: OnServer) -> None:
    [facts] = {r["facts"] for r in on_server.place.query(
        "select facts from landing.loads where kind = 'history'")}
    told = json.loads(facts)
    assert (told["alembic_head"], told["dialect"]) == (head_of(on_server.path), "mysql")
    dags = {r["dag_id"] for r in on_server.plain["serialized_dag"]}
    structures = on_server.place.rows("dag_structure", "dag_id, faults")
    assert dags == {r["dag_id"] for r in structures}
    assert {r["faults"] for r in structures} == {None}


def test_landing_again_and_reconciling_land_nothing(on_server: OnServer) -> None:
    again = on_server.place.land(on_server.url, settings=quiet_settings(reconcile="all"))
    assert landed_count(again.loads) == {}
    assert on_server.place.quarantined() == []


def test_it_is_landed_in_the_shape_of_the_same_release_on_sqlite(on_server: OnServer) -> None:
    sqlite = landed(on_server.path.with_name("airflow.db.xz")).place
    for name in ("dag_run", "task_instance", "dag", "serialized_dag", "dag_structure_task"):
        columns = [r["column_name"] for r in sqlite.query(
            f"select column_name from duckdb_columns() where table_name = 'airflow_db__{name}'")]
        filled = ", ".join(f'count("{c}") > 0 as "{c}"' for c in columns)
        [there], [here] = (p.rows(name, filled, order="1") for p in (on_server.place, sqlite))
        assert {c for c in columns if there[c] != here[c]} <= {"_row_flags"}, name


def test_no_secret_and_no_password_of_the_url(on_server: OnServer) -> None:
    for (name,) in on_server.place.con.execute(
            "select table_name from duckdb_tables() where schema_name = 'landing'").fetchall():
        rows = str(on_server.place.query(f'select * from landing."{name}"'))
        assert [s for s in (*SECRETS, PASSWORD) if s in rows] == []
