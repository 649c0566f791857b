"""The printed grants, run on a real MariaDB over databases that real Airflow releases wrote."""

import lzma
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import doctor, gate
from ingest.archive import Archive
from ingest.contracts import batch_schema
from ingest.grants import PASSWORD as PLACEHOLDER
from ingest.grants import grants_sql, read_columns
from ingest.landing import Cluster, Settings, land_clusters
from ingest.sources.airflow_db.extract import Options
from ingest.sources.airflow_db.readers import open_reader
from ingest.sources.airflow_db.source import Columns
from ingest.sources.airflow_db.tables import TABLES
from tests.databases import Server, mariadb, mariadb_installed
from windsock import config
from windsock.errors import SourceAccessError
from windsock.warehouse import Layout, open_memory

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not mariadb_installed(), reason="needs apt-get install mariadb-server"),
]

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "airflow"
RELEASES = ("2.2.5", "2.10.5")
ROLE = "o'neil\\reader"
QUOTED = "'o''neil\\\\reader'@'%'"
PASSWORD = "pw@:/%?#&$"
SECRETS = ("connection.password", "variable.val", "xcom.value", "dag_run.conf",
           "task_instance.executor_config", "rendered_task_instance_fields.rendered_fields",
           "ab_user.password", "session.data", "dag_code.source_code", "trigger.kwargs")


def database_of(release: str) -> str:
    return f"airflow_{release.replace('.', '_')}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with mariadb() as running:
        for release in RELEASES:
            dump = FIXTURES / release / "mariadb.sql.xz"
            running.execute(f"create database {database_of(release)} character set utf8mb4;"
                            f"grant select on {database_of(release)}.* to windsock@'%'", "mysql")
            running.execute(lzma.decompress(dump.read_bytes()).decode(), database_of(release))
        yield running


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """The name of a user that the test creates; dropped afterwards."""
    yield ROLE
    server.execute(f"drop user {QUOTED}", "mysql")


@pytest.fixture(autouse=True)
def _open_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate judges rows, not grants, and takes most of the time of a small landing."""
    monkeypatch.setattr(gate, "judge", lambda profiles: {})


def url_of(server: Server, role: str, release: str) -> str:
    return server.url(database_of(release), user=role, password=PASSWORD)


def everything(server: Server, release: str) -> Columns:
    with open_reader(server.url(database_of(release)), scratch=Path("never")) as reader:
        return reader.columns()


def grant(server: Server, release: str, sql: str) -> None:
    """Run what is printed, and then what that prints."""
    printed = server.execute(sql.replace(PLACEHOLDER, PASSWORD), database_of(release))
    if printed.strip():
        server.execute(printed.replace("\\\\", "\\"), database_of(release))     # as -N -B escapes


def land(url: str, root: Path, options: Options) -> dict[str, list[tuple[object, ...]]]:
    """Increment, history, then increment and reconciliation; the rows of every landing table."""
    archive = Archive(str(root / "archive"))
    with closing(open_memory()) as con:
        for level in (None, "all"):
            settings = Settings(options=options, reconcile=level)
            [outcome] = land_clusters(con, archive, Layout(root), [Cluster("prod", url)], settings)
            assert outcome.error is None
        reconciled = [load for load in outcome.loads if load.kind == "reconcile"]
        assert reconciled
        assert not [load.batches for load in reconciled if load.batches]
        names = [n for (n,) in con.execute(
            "select table_name from duckdb_tables() where table_name like 'airflow_db__%' "
            "and not ends_with(table_name, '__replaced')").fetchall()]
        return {name: con.execute(
            "select * exclude (_observed_at, _loaded_at, _load_id, _load_number, _source_uri) "
            f'from landing."{name}" order by all').fetchall() for name in names}


@pytest.mark.parametrize(("release", "known", "notes"), [
    ("2.2.5", False, False), ("2.2.5", True, False), ("2.10.5", False, True),
    ("2.10.5", True, False),
])
def test_the_user_lands_the_same_rows_as_one_that_reads_all(
    server: Server, role: str, release: str, tmp_path: Path, known: bool, notes: bool
) -> None:
    options = Options(notes=notes, source_code=notes)
    present = everything(server, release) if known else None
    grant(server, release, grants_sql("mysql", tables_present=present, role=role,
                                      database=database_of(release), options=options))
    seen = land(url_of(server, role, release), tmp_path / "role", options)
    expected = land(server.url(database_of(release)), tmp_path / "all", options)
    for table, rows in expected.items():
        assert seen[table] == rows, table
    assert len(seen["airflow_db__dag_structure_task"]) > 10
    assert bool(seen["airflow_db__dag_run_note"]) == notes
    column = list(batch_schema(TABLES["dag_code"]).names).index("source_code")
    assert any(row[column] for row in seen["airflow_db__dag_code"]) == notes


@pytest.mark.parametrize("known", [False, True])
def test_every_other_column_is_refused(
    server: Server, role: str, release: str, known: bool
) -> None:
    present = everything(server, release)
    grant(server, release, grants_sql("mysql", tables_present=present if known else None,
                                      role=role, database=database_of(release)))
    with open_reader(url_of(server, role, release), scratch=Path("never")) as reader:
        granted = {t: tuple(sorted(c)) for t, c in reader.columns().items()}
        assert granted == read_columns(present, dialect="mysql")
        for table, columns in present.items():
            for column in columns:
                sql = f"select {reader.quote(column)} from {reader.quote(table)} limit 1"
                if column in granted.get(table, ()):
                    reader.rows(sql)
                else:
                    with pytest.raises(SourceAccessError, match="denied"):
                        reader.rows(sql)
        assert reader.database_size_bytes() is not None
        assert reader.row_estimate("dag_run") is not None
    named = {f"{table}.{column}" for table, columns in granted.items() for column in columns}
    assert not named & set(SECRETS)


def test_the_user_cannot_write(server: Server, role: str) -> None:
    release = "2.10.5"
    grant(server, release, grants_sql("mysql", role=role, database=database_of(release)))
    shown = server.execute(f"show grants for {QUOTED}", "mysql").lower()
    for word in ("insert", "update", "delete", "create", "drop", "all privileges", "file"):
        assert f" {word}" not in shown.replace("updated_at", "").replace("created", "")


def test_the_doctor_tells_too_little_from_too_much(
    server: Server, role: str, tmp_path: Path
) -> None:
    name = database_of("2.10.5")
    grant(server, "2.10.5", grants_sql("mysql", role=role, database=name))
    tables = ("alembic_version", "dag", "dag_run", "task_instance", "slot_pool", "job")
    server.execute(
        f"create or replace user most identified by 'x1y2z3'; grant all on {name}.* to most;"
        "create or replace user few identified by 'x1y2z3';"
        + "".join(f"grant select on {name}.{table} to few;" for table in tables), "mysql")
    clusters = (
        config.Cluster("least", config.Secret(url_of(server, role, "2.10.5"))),
        *(config.Cluster(user, config.Secret(server.url(name, user=user, password="x1y2z3")))
          for user in ("most", "few")),
    )
    given = config.load(None, environ={}, cwd=tmp_path, home=tmp_path)
    checks = doctor.examine(replace(given, clusters=clusters))
    warned = {(c.subject, c.name) for c in checks
              if c.status != "ok" and c.name not in ("as_of", "build file", "published")}
    assert warned == {("most", "secrets"), ("most", "read-only"), ("few", "grants")}
    assert PASSWORD not in doctor.render(checks)
