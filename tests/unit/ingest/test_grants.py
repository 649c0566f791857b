"""The printed grants, run on a real PostgreSQL over databases that real Airflow releases wrote.

admin: load a fixture, run the printed SQL ─► the role lands everything ─► and nothing else is open
"""

import lzma
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from ingest import gate
from ingest.archive import Archive
from ingest.contracts import batch_schema
from ingest.grants import PASSWORD as PLACEHOLDER
from ingest.grants import every_column, grants_sql, read_columns
from ingest.landing import Cluster, Settings, land_clusters
from ingest.sources.airflow_db.extract import Options
from ingest.sources.airflow_db.readers import open_reader
from ingest.sources.airflow_db.recognise import recognise
from ingest.sources.airflow_db.source import Columns
from ingest.sources.airflow_db.tables import TABLES
from tests.databases import Server, postgresql
from windsock.errors import SourceAccessError
from windsock.warehouse import Layout, open_memory

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "airflow"
DUMPS = {
    "2.10.5": FIXTURES / "2.10.5" / "postgres.sql.xz",
    "3.1.8": FIXTURES / "3.1.8" / "postgres.sql.xz",
    "3.3.2": FIXTURES / "3.3.2" / "airflow.sql.xz",
}
ROLE = 'wind"sock\'s-$windsock$-reader'
QUOTED = '"wind""sock\'s-$windsock$-reader"'
PASSWORD = "pw'@:/%?#&$\\"
SECRET = {  # table -> columns of any release that the role must never see
    "connection": ("password", "extra", "host", "conn_id"),
    "variable": ("val", "key"),
    "xcom": ("value",),
    "rendered_task_instance_fields": ("rendered_fields",),
    "task_instance": ("executor_config", "next_kwargs"),
    "task_instance_history": ("executor_config", "next_kwargs"),
    "trigger": ("kwargs", "encrypted_kwargs"),
    "dag_code": ("source_code",),
    "dag_run_note": ("content",),
    "task_instance_note": ("content",),
    "dag": ("default_view",),
    "ab_user": ("password", "email"),
    "session": ("data",),
    "dag_pickle": ("pickle",),
    "serialized_dag": (),
}


def database_of(release: str) -> str:
    return f"airflow {release}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql("log_min_messages=fatal") as running:
        running.execute("create role airflow", "postgres")     # owns the tables of one dump
        for release, dump in DUMPS.items():
            running.execute(f'create database "{database_of(release)}"', "postgres")
            running.execute(lzma.decompress(dump.read_bytes()).decode(), database_of(release))
        yield running


@pytest.fixture(params=list(DUMPS))
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _open_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate judges rows, not grants, and takes most of the time of a small landing."""
    monkeypatch.setattr(gate, "judge", lambda profiles: {})


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """The name of a role that the test creates; dropped afterwards."""
    yield ROLE
    for each in ("airflow", *map(database_of, DUMPS)):
        server.execute(f"drop owned by {QUOTED}", each)
    server.execute(f"drop role {QUOTED}", "postgres")


def url_of(server: Server, role: str, release: str) -> str:
    return server.url(database_of(release), user=role, password=PASSWORD)


def everything(server: Server, release: str) -> Columns:
    with open_reader(server.url(database_of(release)), scratch=Path("never")) as reader:
        return reader.columns()


def grant(server: Server, release: str, sql: str) -> None:
    assert sql.count(PLACEHOLDER) == 1
    server.execute(sql.replace(PLACEHOLDER, PASSWORD.replace("'", "''")), database_of(release))


def land(url: str, root: Path, options: Options) -> dict[str, list[tuple[object, ...]]]:
    """Increment, history, then increment and reconciliation; the rows of every landing table."""
    clusters = [Cluster("prod", url)]
    archive = Archive(str(root / "archive"))
    with closing(open_memory()) as con:
        for level in (None, "all"):
            settings = Settings(options=options, reconcile=level)
            [outcome] = land_clusters(con, archive, Layout(root), clusters, settings)
            assert outcome.error is None
        reconciled = [load for load in outcome.loads if load.kind == "reconcile"]
        assert reconciled
        assert not [load.batches for load in reconciled if load.batches]
        return _rows(con)


def _rows(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    names = [n for (n,) in con.execute(
        "select table_name from duckdb_tables() where table_name like 'airflow_db__%' "
        "and not ends_with(table_name, '__replaced')").fetchall()]
    return {name: con.execute(f'select * exclude (_observed_at, _loaded_at, _load_id, _load_number,'
                              f' _source_uri) from landing."{name}" order by all').fetchall()
            for name in names}


@pytest.mark.parametrize(("release", "known", "notes"), [
    ("2.10.5", False, False), ("2.10.5", True, True), ("3.1.8", True, False),
    ("3.3.2", False, True),
])
def test_the_role_lands_the_same_rows_as_one_that_reads_all(
    server: Server, role: str, release: str, tmp_path: Path, known: bool, notes: bool
) -> None:
    present = everything(server, release)
    options = Options(notes=notes, source_code=notes)
    sql = grants_sql("postgresql", tables_present=present if known else None, role=role,
                     database=database_of(release), options=options)
    grant(server, release, sql)
    grant_again = sql.partition("alter role")
    server.execute("".join(grant_again[1:]), database_of(release))     # as after an upgrade

    seen = land(url_of(server, role, release), tmp_path / "role", options)
    expected = land(server.url(database_of(release)), tmp_path / "all", options)
    for table, rows in expected.items():
        assert seen[table] == rows, table
    assert len(seen["airflow_db__dag_structure_task"]) > 10
    assert bool(seen["airflow_db__dag_run_note"]) == notes
    column = list(batch_schema(TABLES["dag_code"]).names).index("source_code")
    assert any(row[column] for row in seen["airflow_db__dag_code"]) == notes


def test_every_other_column_is_refused(server: Server, role: str, release: str) -> None:
    present = everything(server, release)
    granted = read_columns(present)
    grant(server, release, grants_sql("postgresql", role=role, database=database_of(release)))
    with open_reader(url_of(server, role, release), scratch=Path("never")) as reader:
        visible = reader.columns()
        assert {t: tuple(sorted(c)) for t, c in visible.items()} == granted
        assert set(reader.rows("select table_name::text, column_name::text from "
                               "information_schema.columns where table_schema = 'public'")) \
            == {(t, c) for t, names in granted.items() for c in names}
        refused = 0
        for table, columns in present.items():
            for column in columns:
                sql = f"select {reader.quote(column)} from {reader.quote(table)} limit 1"
                if column in granted.get(table, ()):
                    reader.rows(sql)
                else:
                    refused += 1
                    with pytest.raises(SourceAccessError, match="permission denied"):
                        reader.rows(sql)
        assert refused >= 100
        with pytest.raises(SourceAccessError):
            reader.rows("select * from dag_run")


def test_what_is_secret_is_not_granted(server: Server, release: str) -> None:
    present = everything(server, release)
    for granted in (read_columns(present), every_column()):
        for table, columns in SECRET.items():
            assert not set(columns) & set(granted.get(table, ())), table
    assert ("conf" in read_columns(present)["dag_run"]) == (release != "2.10.5")
    assert "dag_run_note" not in every_column()
    assert "dag_run_id" in every_column(Options(notes=True))["dag_run_note"]


def test_the_role_cannot_write(server: Server, role: str) -> None:
    release = "3.1.8"
    grant(server, release, grants_sql("postgresql", role=role, database=database_of(release)))
    for sql in ("delete from dag_tag", "update dag set is_paused = true", "truncate log",
                "insert into dag_tag values ('a', 'b')", "create table public.mine (a int)"):
        with pytest.raises(RuntimeError, match=r"permission denied|read-only"):
            server.execute(f"set role {QUOTED}; {sql}", database_of(release))
    settings = server.execute(
        "select unnest(rolconfig) from pg_roles where rolname like 'wind%reader'", "postgres")
    assert "default_transaction_read_only=on" in settings
    assert "statement_timeout=15min" in settings


def test_only_the_joins_need_more_than_what_is_landed(server: Server, release: str) -> None:
    extra = {f"{table}.{column}" for table, columns in read_columns(everything(server, release))
             .items() for column in columns
             if column not in (TABLES[table].columns if table in TABLES else {})}
    wanted = {"alembic_version.version_num", "serialized_dag.data",
              "serialized_dag.data_compressed"}
    if release == "2.10.5":
        wanted |= {"dagrun_dataset_event.dag_run_id"}
    else:
        wanted |= {"dag_code.id", "dag_code.source_code_hash", "deadline.dagrun_id",
                   "dagrun_asset_event.dag_run_id", "backfill_dag_run.dag_run_id"} & {
            f"{t}.{c}" for t, columns in everything(server, release).items() for c in columns}
    assert extra == wanted


def test_a_column_left_out_is_not_landed_and_stops_nothing(
    server: Server, role: str, tmp_path: Path
) -> None:
    release = "2.10.5"
    sql = grants_sql("postgresql", tables_present=everything(server, release), role=role,
                     database=database_of(release))
    grant(server, release, sql.replace('"extra", ', "").replace(
        'grant select ("dag_id", "name")\n    on "public"."dag_tag"', "-- "))
    seen = land(url_of(server, role, release), tmp_path, Options())
    assert len(seen["airflow_db__log"]) > 50
    assert len(seen["airflow_db__task_instance"]) > 40
    assert not seen["airflow_db__dag_tag"]


def test_a_role_without_grants_is_told_so(server: Server, role: str) -> None:
    sql = grants_sql("postgresql", role=role, database=database_of("3.1.8"))
    grant(server, "3.1.8", sql.partition("do $")[0])
    with open_reader(url_of(server, role, "3.1.8"), scratch=Path("never")) as reader, \
            pytest.raises(SourceAccessError, match="may not read any of"):
        reader.columns()


def test_a_schema_of_its_own(server: Server, role: str) -> None:
    server.execute('create schema "air flow"; create table "air flow".dag_run (id int, conf bytea,'
                   ' run_id text); create table public.dag_run (id int)')
    grants = grants_sql("postgresql", role=role, schema="air flow")
    server.execute(grants.replace(PLACEHOLDER, PASSWORD.replace("'", "''")))
    try:
        url = server.url(user=role, password=PASSWORD)
        with open_reader(url, scratch=Path("never")) as reader:
            assert set(reader.columns()["dag_run"]) == {"id", "run_id"}
    finally:
            server.execute('drop schema "air flow" cascade; drop table dag_run')


def test_every_release_is_covered(tmp_path: Path) -> None:
    everywhere = every_column(Options(notes=True))
    files = sorted(FIXTURES.glob("*/*.db.xz"))
    assert len(files) > 8
    for number, path in enumerate(files):
        file = tmp_path / f"{number}.db"
        file.write_bytes(lzma.decompress(path.read_bytes()))
        with open_reader(f"sqlite:///{file}", scratch=tmp_path) as reader:
            present = reader.columns()
        recognise(present, [])
        for table, columns in read_columns(present, Options(notes=True), "sqlite").items():
            assert set(columns) <= set(present[table])
            assert set(columns) <= set(everywhere[table])
        with closing(sqlite3.connect(file)) as con:
            assert con.execute("select count(*) from dag_run").fetchone()[0] > 0


def test_sqlite_is_told_about_files() -> None:
    text = grants_sql("sqlite", role="readers", database="/opt/air\nflow.db")
    assert all(line.startswith("--") for line in text.splitlines())
    assert "chmod 640 /opt/air flow.db" in text
    assert "/opt/air flow.db-wal" in text


def test_words_of_mysql_cannot_end_their_quotes() -> None:
    text = grants_sql("mysql", tables_present={"dag_tag": {"dag_id": "text", "name": "text"}},
                      role="o'neil\\", database="a`b")
    assert "create user 'o''neil\\\\'@'%'" in text
    assert "grant select (`dag_id`, `name`)\n    on `a``b`.`dag_tag` to 'o''neil\\\\'@'%';" in text
