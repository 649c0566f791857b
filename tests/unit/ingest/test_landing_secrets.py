"""Planted secrets are searched in everything that a landing writes.

fixtures ─► land ─► build file, snapshot, Parquet, manifests, quarantine, logs: none holds a secret
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ingest.landing import Cluster
from tests.fixture_databases import (
    NOW,
    SECRETS,
    SQLITE,
    Place,
    content,
    edit,
    fixture,
    name_of,
    place,
    quiet_settings,
    unpack,
)
from windsock.publish import publish

PASSWORD = "p4ss:w/rd@é"
FORMS = [s.encode() for s in (*SECRETS, PASSWORD, "p4ss%3Aw%2Frd%40%C3%A9")]


@dataclass(frozen=True)
class Written:
    place: Place
    log: str


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """All fixtures in one warehouse, some of them with a fault that fills the quarantine."""
    folder = tmp_path_factory.mktemp("secrets")
    handler = Lines()
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        with place(folder) as here:
            clusters = []
            for number, path in enumerate(SQLITE):
                database = unpack(path, folder / f"c{number}")
                if path.parent.name in ("2.10.5", "3.1.8"):
                    edit(database, *FAULTS)
                clusters.append(Cluster(f"c{number}", f"sqlite:///{database}", as_of=NOW))
            clusters += [
                Cluster("gone", f"postgresql://reader:{PASSWORD}@127.0.0.1:1/airflow"),
                Cluster("gone_too", "mysql://reader:p4ss%3Aw%2Frd%40%C3%A9@127.0.0.1:1/airflow"),
            ]
            outcomes = here.try_to_land(*clusters)
            here.try_to_land(*clusters[:1], settings=quiet_settings(reconcile="all"))
            assert [o.cluster for o in outcomes if o.error] == ["gone", "gone_too"]
            handler.lines += [str(o.error) + repr(o) for o in outcomes]
            copy_to_marts(here)
            yield Written(here, "\n".join(handler.lines))
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(level)


FAULTS = (
    "update dag_run set clear_number = 'many' where dag_id = 'conf_run'",
    "update log set map_index = 'first' where id = 1",
    "update import_error set timestamp = 'soon'",
    "update dag set max_active_runs = 'few'",
)


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage() + str(record.args) + str(record.exc_text))


def copy_to_marts(here: Place) -> None:
    """A mart of every landing table, so that the snapshot holds all that could leak."""
    here.con.execute("create schema marts")
    for (name,) in here.con.execute("select table_name from duckdb_tables() "
                                    "where schema_name = 'landing'").fetchall():
        here.con.execute(f'create table marts."{name}" as from landing."{name}"')
    here.con.execute("checkpoint")
    here.con.close()
    publish(here.layout)
    here.reopen()


def values_of(con: duckdb.DuckDBPyConnection, database: str) -> Iterator[tuple[str, bytes]]:
    for schema, name in con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = $1",
            [database]).fetchall():
        rows = con.execute(f'select * from "{database}"."{schema}"."{name}"').fetchall()
        yield f"{schema}.{name}", repr(rows).encode()


def leaks(data: bytes) -> list[bytes]:
    return [form for form in FORMS if form in data or form.hex().encode() in data]


def test_the_secrets_are_in_what_was_landed() -> None:
    together = b"".join(content(path) for path in SQLITE)
    assert all(s.encode() in together for s in SECRETS)


def test_no_table_of_the_build_file_and_of_the_snapshot(written: Written) -> None:
    here = written.place
    [snapshot] = here.layout.snapshots.glob("warehouse-*.duckdb")
    here.con.execute(f"attach '{snapshot}' as snapshot (read_only)")
    tables = [*values_of(here.con, "warehouse"), *values_of(here.con, "snapshot")]
    here.con.execute("detach snapshot")

    assert len(tables) > 100
    assert sum(len(data) for _, data in tables) > 1_000_000
    assert [(name, leaks(data)) for name, data in tables if leaks(data)] == []


def test_no_value_of_a_parquet_file(written: Written) -> None:
    files = sorted(written.place.folder.rglob("*.parquet"))
    assert any("quarantine" in f.parts for f in files)
    assert len(files) > 200
    bad = [(f.name, leaks(repr(pq.read_table(f, partitioning=None).to_pydict()).encode()))
           for f in files]
    assert [b for b in bad if b[1]] == []


def test_no_byte_of_any_file(written: Written) -> None:
    here = written.place
    here.con.execute("checkpoint")
    files = [p for root in (here.layout.root, here.folder / "archive")
             for p in root.rglob("*") if p.is_file()]
    kinds = {p.suffix for p in files}
    assert {".parquet", ".json", ".duckdb"} <= kinds
    assert [(p.name, leaks(p.read_bytes())) for p in files if leaks(p.read_bytes())] == []


def test_the_quarantine_was_filled_and_says_why(written: Written) -> None:
    tables = {r["table_name"] for r in written.place.query(
        "select distinct table_name from landing.quarantined_batches")}
    assert tables == {"dag_run", "log", "import_error", "dag"}


def test_no_log_line_and_no_message(written: Written) -> None:
    assert "cluster=c0" in written.log
    assert "127.0.0.1" in written.log
    assert leaks(written.log.encode()) == []


def test_the_place_of_a_failed_cluster_is_told_without_its_password(written: Written) -> None:
    failures = written.place.query("select cluster, message from landing.failed_loads")
    assert {f["cluster"] for f in failures} == {"gone", "gone_too"}
    assert all("127.0.0.1" in f["message"] for f in failures)


def test_a_password_in_the_url_of_a_landed_cluster(tmp_path: Path) -> None:
    database = unpack(fixture("2.0.2/airflow.db"), tmp_path)
    with place(tmp_path) as here:
        here.land(f"sqlite:///{database}?password={PASSWORD}")
        uris = {r["_source_uri"] for r in here.rows("dag_run", "distinct _source_uri")}
        assert all(PASSWORD not in uri for uri in uris)
        assert leaks(repr(here.query("from landing.loads")).encode()) == []


def test_a_fixture_is_named_once() -> None:
    assert len({name_of(p) for p in SQLITE}) == len(SQLITE)
