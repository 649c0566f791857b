"""The doctor's look at databases: a real PostgreSQL, real SQLite files, and what is not there."""

import lzma
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from ingest import doctor
from ingest.doctor import Check
from ingest.grants import PASSWORD as PLACEHOLDER
from ingest.grants import grants_sql
from ingest.sources.airflow_db.readers import ReadLimits
from tests.databases import PASSWORD, Server, free_port, postgresql
from windsock import clock, config
from windsock.config import Cluster, Config, Secret

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "airflow"
QUICK = ReadLimits(connect_seconds=2, busy_seconds=1, statement_seconds=5, idle_seconds=5)
HOSTILE = "p@ss:w/o?r#d&%41'\"\\ ñ=x"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql("log_min_messages=fatal") as running:
        for release in ("2.10.5", "3.1.8"):
            name = f"airflow_{release.replace('.', '_')}"
            running.execute(f"create database {name}", "postgres")
            dump = FIXTURES / release / "postgres.sql.xz"
            running.execute(lzma.decompress(dump.read_bytes()).decode(), name)
            sql = grants_sql("postgresql", role=f"least_{name}", database=name)
            running.execute(sql.replace(PLACEHOLDER, PASSWORD.replace("'", "''")), name)
        running.execute("create role writer superuser login password 'x'", "postgres")
        yield running


@pytest.fixture
def defaults(tmp_path: Path) -> Config:
    return config.load(None, environ={}, cwd=tmp_path, home=tmp_path)


def examine(defaults: Config, *clusters: Cluster, seconds: float = 30) -> list[Check]:
    given = replace(defaults, clusters=clusters)
    names = {c.name for c in clusters}
    checks = doctor.examine(given, limits=QUICK, patience_seconds=seconds)
    return [c for c in checks if c.subject in names]


def of(checks: list[Check], name: str) -> Check:
    [check] = [c for c in checks if c.name == name]
    return check


def statuses(checks: list[Check]) -> dict[str, str]:
    return {c.name: c.status for c in checks}


def sqlite(tmp_path: Path, release: str = "3.1.8") -> Path:
    path = tmp_path / f"{release}.db"
    path.write_bytes(lzma.decompress((FIXTURES / release / "airflow.db.xz").read_bytes()))
    return path


# --- PostgreSQL --------------------------------------------------------------------------------

@pytest.mark.parametrize("release", ["2.10.5", "3.1.8"])
def test_the_least_privileged_role_is_well(
    server: Server, defaults: Config, release: str
) -> None:
    name = f"airflow_{release.replace('.', '_')}"
    url = server.url(name, user=f"least_{name}")
    checks = examine(defaults, Cluster("prod", Secret(url), base_url="https://a.example.com"))
    assert {n: s for n, s in statuses(checks).items() if s != "ok"} == {} or _is_old(checks)
    assert {"reachable", "grants", "secrets", "read-only", "replication", "release", "size",
            "clock", "base_url"} <= set(statuses(checks))
    assert release.rpartition(".")[0] in of(checks, "release").seen
    assert "19 runs" in of(checks, "size").seen
    assert PASSWORD not in doctor.render(checks)


def _is_old(checks: list[Check]) -> bool:
    """The dump ages: after a week the doctor asks whether it is a frozen copy."""
    return {c.name for c in checks if c.status != "ok"} == {"as_of"}


def test_a_role_that_may_too_much(server: Server, defaults: Config) -> None:
    reads_all = Cluster("all", Secret(server.url("airflow_2_10_5")))
    url = server.url("airflow_2_10_5", user="writer", password="x")
    checks = examine(defaults, reads_all, Cluster("root", Secret(url)))
    of_all = [c for c in checks if c.subject == "all"]
    assert of(of_all, "secrets").status == "warn"
    assert "connection, variable, xcom" in of(of_all, "secrets").seen
    assert "windsock grants --cluster all" in of(of_all, "secrets").next_step
    assert of(of_all, "read-only").status == "ok"
    of_root = [c for c in checks if c.subject == "root"]
    assert of(of_root, "read-only").status == "warn"
    assert "can write to" in of(of_root, "read-only").seen


def test_columns_that_an_upgrade_brought(server: Server, defaults: Config) -> None:
    role = "least_airflow_3_1_8"
    server.execute(f"revoke select on dag_version from {role};"
                   f"revoke select (run_after, conf) on dag_run from {role}", "airflow_3_1_8")
    try:
        url = server.url("airflow_3_1_8", user=role)
        checks = examine(defaults, Cluster("prod", Secret(url)))
    finally:
        sql = grants_sql("postgresql", role=role, database="airflow_3_1_8")
        server.execute("alter role" + sql.partition("alter role")[2], "airflow_3_1_8")
    check = of(checks, "grants")
    assert check.status == "warn"
    assert "dag_run.conf, dag_run.run_after, dag_version" in check.seen
    assert "windsock grants --cluster prod" in check.next_step
    assert of(checks, "release").status == "ok"


def test_an_unknown_revision_and_a_foreign_database(server: Server, defaults: Config) -> None:
    server.execute("create table invoices (id int)")
    checks = examine(defaults, Cluster("other", Secret(server.url())))
    assert of(checks, "reachable").status == "ok"
    assert of(checks, "release").status == "fail"
    assert "none of Airflow's" in of(checks, "release").seen
    server.execute("update alembic_version set version_num = 'ffffffffffff'", "airflow_3_1_8")
    server.execute("alter table dag rename column bundle_name to parcel_name", "airflow_3_1_8")
    try:
        checks = examine(defaults, Cluster("new", Secret(server.url("airflow_3_1_8"))))
    finally:
        server.execute("update alembic_version set version_num = '509b94a1042d'", "airflow_3_1_8")
        server.execute("alter table dag rename column parcel_name to bundle_name", "airflow_3_1_8")
    assert of(checks, "release").status == "warn"
    assert "dag.bundle_name" in of(checks, "release").seen


def test_a_clock_that_is_wrong(
    server: Server, defaults: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late() -> datetime:
        return clock.now() - timedelta(minutes=10)

    url = server.url("airflow_3_1_8")
    given = replace(defaults, clusters=(Cluster("prod", Secret(url)),))
    checks = doctor.examine(given, limits=QUICK, now=late)
    check = of([c for c in checks if c.subject == "prod"], "clock")
    assert check.status == "warn"
    assert "10 min ahead of this machine's" in check.seen


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []
        over = threading.Event()

        def accept() -> None:
            listener.settimeout(0.1)
            while not over.is_set():
                try:
                    held.append(listener.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield int(listener.getsockname()[1])
        over.set()
        thread.join()
        for connection in held:
            connection.close()


def test_what_cannot_be_reached_says_why_and_stops_nobody(
    server: Server, defaults: Config, tmp_path: Path
) -> None:
    secret = quote(HOSTILE, safe="")
    with silent() as port:
        clusters = [Cluster(name, Secret(url)) for name, url in {
            "password": server.url("airflow_3_1_8", password=HOSTILE),
            "database": server.url("none"),
            "port": f"postgresql://a:{secret}@127.0.0.1:{free_port()}/airflow",
            "host": f"postgresql://a:{secret}@host.invalid/airflow",
            "mysql": f"mysql://a:{secret}@127.0.0.1:{free_port()}/airflow",
            "socket": f"mysql://a:{secret}@/airflow?unix_socket=/nowhere/m.sock",
            "silent": f"postgresql://a:{secret}@127.0.0.1:{port}/airflow",
            "mute": f"mysql://a:{secret}@127.0.0.1:{port}/airflow",
            "file": f"sqlite:///{tmp_path}/none.db",
            "folder": f"sqlite:///{tmp_path}",
            "well": f"sqlite:///{sqlite(tmp_path)}",
        }.items()]
        began = time.monotonic()
        checks = examine(defaults, *clusters, seconds=10)
        assert time.monotonic() - began < 25
    by_name = {c.name: [k for k in checks if k.subject == c.name] for c in clusters}
    for name, found in by_name.items():
        failed = [c for c in found if c.status == "fail"]
        assert bool(failed) == (name != "well"), name
        assert all(c.next_step for c in failed)
    assert of(by_name["well"], "release").status == "ok"
    assert "password authentication failed" in of(by_name["password"], "reachable").seen
    assert of(by_name["silent"], "reachable").status == "fail"
    assert of(by_name["mute"], "time").status == "fail"
    text = doctor.render(checks)
    for word in (HOSTILE, secret, HOSTILE[:12], PASSWORD, quote(PASSWORD, safe="")):
        assert word not in text
    assert [c.subject for c in checks] == sorted(
        (c.subject for c in checks), key=[c.name for c in clusters].index)


# --- SQLite ------------------------------------------------------------------------------------

def test_a_sqlite_database(defaults: Config, tmp_path: Path) -> None:
    path = sqlite(tmp_path, "2.0.2")
    before = sorted(p.name for p in tmp_path.iterdir())
    checks = examine(defaults, Cluster("lite", Secret(f"sqlite:///{path}")))
    assert {"file", "reachable", "secrets", "release", "size"} <= set(statuses(checks))
    assert "2.0.2" in of(checks, "release").seen
    assert "fail" not in statuses(checks).values()
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_no_room_for_the_copy(
    defaults: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sqlite(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
    checks = examine(defaults, Cluster("lite", Secret(f"sqlite:///{path}")))
    assert of(checks, "reachable").status == "fail"
    assert "room" in of(checks, "reachable").next_step


def test_as_of_fits_the_newest_row(defaults: Config, tmp_path: Path) -> None:
    path = sqlite(tmp_path)
    with closing(sqlite3.connect(path)) as con:
        newest = con.execute("select max(start_date) from dag_run").fetchone()[0]
        con.execute("update job set latest_heartbeat = ?", [newest])
        con.commit()
    at = datetime.fromisoformat(newest).replace(tzinfo=UTC)
    url = Secret(f"sqlite:///{path}")

    def newest_row(now_after: timedelta, as_of_after: timedelta | None) -> Check:
        as_of = None if as_of_after is None else at + as_of_after
        given = replace(defaults, clusters=(Cluster("lite", url, as_of=as_of),))
        checks = doctor.examine(given, limits=QUICK, now=lambda: at + now_after)
        [check] = [c for c in checks if c.name in ("as_of", "newest row")]
        return check

    hour = timedelta(hours=1)
    assert newest_row(hour, None).status == "ok"
    assert newest_row(900 * hour, hour).status == "ok"
    frozen = newest_row(900 * hour, None)
    assert frozen.status == "warn"
    assert f'as_of = "{at:%Y-%m-%dT%H:%M:%SZ}"' in frozen.next_step
    live = newest_row(hour, -5 * hour)
    assert live.status == "warn"
    assert "5 h after as_of" in live.seen


def test_an_empty_airflow(defaults: Config, tmp_path: Path) -> None:
    path = sqlite(tmp_path)
    with closing(sqlite3.connect(path)) as con:
        con.execute("delete from dag_run")
        con.execute("delete from job")
        con.commit()
    checks = examine(defaults, Cluster("lite", Secret(f"sqlite:///{path}")))
    assert of(checks, "newest row").seen == "no run and no heartbeat yet"
