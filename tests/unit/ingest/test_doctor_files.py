"""The doctor's look at files, folders and addresses."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import fsspec
import pytest

from ingest.doctor import files
from ingest.doctor.check import Check, Subject
from windsock import clock
from windsock.config import Cluster, Secret

SUBJECT = Subject("prod")


def cluster(database: Path | str = "/nowhere/airflow.db", **known: object) -> Cluster:
    return Cluster("prod", Secret(f"sqlite:///{database}"), **known)  # type: ignore[arg-type]


def one(checks: Iterator[Check]) -> Check:
    [check] = checks
    return check


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "airflow.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as con:
        con.execute("create table t (a int)")
        con.commit()
    return path


def test_a_sqlite_file(database: Path) -> None:
    check = one(files.sqlite_file(cluster(database), SUBJECT))
    assert check.status == "ok"
    assert "rollback journal" in check.seen
    with closing(sqlite3.connect(database)) as con:
        con.execute("pragma journal_mode = wal")
        con.execute("insert into t values (1)")
        con.commit()
        assert ", WAL" in one(files.sqlite_file(cluster(database), SUBJECT)).seen
        Path(f"{database}-shm").rename(f"{database}-gone")
        check = one(files.sqlite_file(cluster(database), SUBJECT))
    assert (check.status, "without its -shm" in check.seen) == ("warn", True)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"x" * 200])
def test_a_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.db").write_bytes(content)
    assert one(files.sqlite_file(cluster(tmp_path / "a.db"), SUBJECT)).status == "fail"


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.db"):
        assert one(files.sqlite_file(cluster(path), SUBJECT)).status == "fail"
    assert not list(files.sqlite_file(Cluster("p", Secret("postgresql://h/db")), SUBJECT))


def test_permissions(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: set[str] = set()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name not in closed)
    Path(f"{database}-wal").touch()
    Path(f"{database}-shm").touch()
    for name, status in (("airflow.db", "fail"), ("folder", "warn"), ("airflow.db-wal", "warn")):
        closed.clear()
        closed.add(name)
        check = one(files.sqlite_file(cluster(database), SUBJECT))
        assert check.status == status
        assert "grants --cluster prod" in check.next_step


def test_log_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not list(files.log_root(cluster(), SUBJECT))
    folder = tmp_path / "logs"
    assert one(files.log_root(cluster(logs=str(folder)), SUBJECT)).seen.endswith("not there")
    folder.mkdir()
    assert one(files.log_root(cluster(logs=str(folder)), SUBJECT)).status == "warn"
    (folder / "a.log").touch()
    assert one(files.log_root(cluster(logs=f"file://{folder}"), SUBJECT)).status == "ok"
    assert "no folder" in one(files.log_root(cluster(logs=str(folder / "a.log")), SUBJECT)).seen
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "may not be listed" in one(files.log_root(cluster(logs=str(folder)), SUBJECT)).seen


def test_log_root_in_a_store() -> None:
    store = fsspec.filesystem("memory")
    store.pipe_file("/doctor-logs/a.log", b"x")
    assert one(files.log_root(cluster(logs="memory://doctor-logs"), SUBJECT)).status == "ok"
    assert one(files.log_root(cluster(logs="memory://doctor-none"), SUBJECT)).status == "fail"


def test_usage_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.jsonl").touch()
    hour_old = (clock.now() - timedelta(hours=3)).timestamp()
    os.utime(tmp_path / "b" / "a.jsonl", (hour_old, hour_old))
    store = fsspec.filesystem("memory")
    store.pipe_file("/doctor-usage/a.csv", b"x")
    patterns = (f"{tmp_path}/**/*.jsonl", f"{tmp_path}/*.csv", "memory://doctor-usage/*.csv",
                "memory://doctor-usage/a.csv", "memory://doctor-usage/*.parquet", "nothing://x/*")
    checks = list(files.usage_files(cluster(usage_files=patterns), SUBJECT, clock.now()))
    assert [c.status for c in checks] == ["ok", "warn", "ok", "ok", "warn", "fail"]
    assert "1 of" in checks[0].seen
    assert checks[0].seen.endswith("the newest 3 h old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "may not be read" in next(
        files.usage_files(cluster(usage_files=patterns), SUBJECT, clock.now())).seen


@pytest.mark.parametrize(("url", "status"), [
    ("https://airflow.example.com", "ok"), ("http://10.0.0.1:8080/airflow", "ok"),
    ("ftp://airflow", "fail"), ("airflow.example.com", "fail"), ("https://", "fail"),
    ("https://a/home?tab=x", "warn"), ("https://u:p@a", "warn"),
])
def test_base_url(url: str, status: str) -> None:
    check = one(files.base_url(cluster(base_url=url), SUBJECT))
    assert check.status == status
    assert "u:p@" not in check.seen
    assert not list(files.base_url(cluster(), SUBJECT))
