"""The doctor's look at the product's own files, landed from a real database."""

import json
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ingest import doctor, gate, landing
from ingest.archive import Archive
from ingest.doctor import Check
from windsock import clock, config
from windsock.config import Cluster, Config, Origin, Secret
from windsock.publish import publish
from windsock.warehouse import Layout, open_build, writer_lock

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "airflow" / "3.1.8" / "airflow.db.xz"
HOLD = """
import sys
from pathlib import Path
from windsock.warehouse import Layout, writer_lock
with writer_lock(Layout(Path(sys.argv[1])), "run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A configuration of one SQLite cluster; its warehouse is not made yet."""
    monkeypatch.setattr(gate, "judge", lambda profiles: {})     # takes seconds, judges nothing here
    (tmp_path / "airflow.db").write_bytes(lzma.decompress(FIXTURE.read_bytes()))
    cluster = Cluster("lite", Secret(f"sqlite:///{tmp_path}/airflow.db"))
    given = config.load(None, environ={}, cwd=tmp_path, home=tmp_path)
    origin = Origin("file", tmp_path / "w.toml", "--config")
    return replace(given, clusters=(cluster,), origin=origin)


@pytest.fixture
def landed(made: Config) -> Config:
    """The same, landed and published once."""
    layout = Layout(made.warehouse.path)
    [cluster] = made.clusters
    with writer_lock(layout, "test"), closing(open_build(layout)) as con:
        [outcome] = landing.land_clusters(
            con, Archive(made.warehouse.archive), layout,
            [landing.Cluster(cluster.name, cluster.metadata_url.reveal())])
        assert outcome.error is None
        con.execute("create schema marts; create table marts.dim_x as select 1 as a; checkpoint")
    publish(layout)
    return made


def examine(given: Config, **options: object) -> dict[str, Check]:
    checks = doctor.examine(given, **options)  # type: ignore[arg-type]
    found = {c.name: c for c in checks if c.subject in ("warehouse", "configuration", "machine")}
    return found | {c.name: c for c in checks if c.name in ("last load", "failed loads",
                                                            "row flags")}


def is_well(found: dict[str, Check]) -> bool:
    return all(c.status == "ok" for c in found.values())


def build_sql(given: Config, sql: str) -> None:
    with closing(open_build(Layout(given.warehouse.path))) as con:
        con.execute(sql)


def test_before_the_first_landing_nothing_is_made(made: Config) -> None:
    found = examine(made)
    assert not made.warehouse.path.exists()
    assert found["folder"].status == "ok"
    assert "will be made" in found["folder"].seen
    assert found["build file"].next_step.startswith("run `windsock run`")
    assert found["published"].status == "warn"
    assert found["archive root"].status == "ok"
    assert "for a first landing" in found["disk"].seen
    assert {found[n].status for n in ("python", "duckdb", "dbt-core", "dbt-duckdb", "origin")} \
        == {"ok"}


def test_a_warehouse_that_is_well(landed: Config) -> None:
    before = sorted(p for p in landed.warehouse.path.rglob("*") if p.is_file())
    found = examine(landed)
    assert is_well(found), doctor.render(list(found.values()))
    assert {"lock", "build file", "last load", "archive", "quarantine", "published", "leftovers",
            "archive root", "compaction", "space"} <= set(found)
    assert sorted(p for p in landed.warehouse.path.rglob("*") if p.is_file()) == before
    assert doctor.exit_code(list(found.values())) == 0


@pytest.fixture
def holder(landed: Config) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the writer's lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(landed.warehouse.path)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()


def test_another_run_holds_the_lock(
    landed: Config, holder: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    found = examine(landed)
    assert found["lock"].status == "ok"
    assert f"run (process {holder.pid}" in found["lock"].seen
    assert "build file" not in found
    assert "last load" not in found
    assert found["published"].status == "ok"
    holder.kill()
    holder.wait()
    found = examine(landed)
    assert found["lock"].status == "warn"
    assert f"killed: run (process {holder.pid}" in found["lock"].seen
    assert found["build file"].status == "ok"
    assert examine(landed)["lock"].seen == "free"


def test_a_build_file_that_is_damaged(landed: Config) -> None:
    Layout(landed.warehouse.path).build_file.write_bytes(b"no database")
    found = examine(landed)
    assert found["build file"].status == "fail"
    assert found["published"].status == "ok"
    assert found["archive root"].status == "ok"


def test_nobody_lands_any_more(landed: Config) -> None:
    def in_two_days() -> datetime:
        return clock.now() + timedelta(days=2)

    found = examine(landed, now=in_two_days)
    assert found["last load"].status == "warn"
    assert found["published"].status == "warn"
    frozen = replace(landed.clusters[0], as_of=clock.now())
    found = examine(replace(landed, clusters=(frozen,)), now=in_two_days)
    assert found["last load"].status == "ok"
    assert found["published"].status == "ok"


def test_failures_and_flags_and_a_cluster_never_landed(landed: Config) -> None:
    build_sql(landed, "insert into landing.failed_loads values "
              "('lite', now()::timestamp + interval 1 minute, 'SourceAccessError', "
              "'pg://u:s3cr@t@h/db said no'), ('lite', timestamp '2000-01-01', 'Old', 'old');"
              "update landing.airflow_db__dag_run set _row_flags = null;"
              "update landing.airflow_db__dag_run set _row_flags = ['odd_id'] "
              "where id in (select id from landing.airflow_db__dag_run order by id limit 7);"
              "update landing.batches set flagged_count = 7 where table_name = 'dag_run'")
    new = Cluster("new", landed.clusters[0].metadata_url)
    checks = doctor.examine(replace(landed, clusters=(*landed.clusters, new)))
    [failed] = [c for c in checks if c.name == "failed loads"]
    assert failed.status == "warn"
    assert "SourceAccessError: pg://u:***@h/db said no" in failed.seen
    assert failed.seen.startswith("1 since")
    [flags] = [c for c in checks if c.name == "row flags"]
    assert "7 of dag_run" in flags.seen
    [never] = [c for c in checks if c.name == "last load" and c.subject == "new"]
    assert never.seen == "nothing is landed yet"


def test_the_oldest_run_of_every_cluster_that_was_landed(landed: Config) -> None:
    build_sql(landed, "insert into landing.loads by name select * replace ('gone' as cluster, "
              "load_number + 1 as load_number) from landing.loads;"
              "update landing.airflow_db__dag_run set end_date = ("
              "select max(observed_at) - interval 30 days from landing.loads) where id = ("
              "select min(id) from landing.airflow_db__dag_run where end_date is not null);"
              "update landing.airflow_db__dag_run set end_date = ("
              "select max(observed_at) - interval 20 days from landing.loads) where id = ("
              "select max(id) from landing.airflow_db__dag_run where end_date is not null)")
    with closing(open_build(Layout(landed.warehouse.path))) as con:
        [(day, count)] = con.execute(
            "select min(end_date)::date, count(distinct end_date) "
            "from landing.airflow_db__dag_run").fetchall()
    assert count > 1
    chosen = replace(landed.retention, task_instances=90)
    found = {c.subject: c for c in doctor.examine(replace(landed, retention=chosen))
             if c.name == "retention"}
    assert found["lite"].seen == (f"runs are kept 90 days after their end; the oldest ended on "
                                  f"{day}, 30 days before the newest load")
    assert found["gone"].seen == "runs are kept 90 days after their end; no run has ended yet"


def test_quarantined_batches_are_told_with_their_reasons(landed: Config) -> None:
    folder = Layout(landed.warehouse.path).quarantine / "airflow_db" / "lite" / "dag_run"
    folder.mkdir(parents=True)
    for number in range(7):
        (folder / f"{number}.parquet").touch()
        note = {"reason": "dag_id: 3 nulls in the key", "rows": 12, "load_id": "x"}
        (folder / f"{number}.parquet.json").write_text(json.dumps(note))
    (folder / "0.parquet.json").write_text("damaged")
    found = [c for c in doctor.examine(landed) if c.name == "quarantine"]
    assert [c.status for c in found] == ["warn"] * 6
    assert "its reason cannot be read" in found[0].seen
    assert found[1].seen == ("lite: 12 rows of airflow_db.dag_run were set aside: "
                             "dag_id: 3 nulls in the key")
    assert found[5].seen == "and 2 more batches"
    assert "windsock replay" in found[1].next_step


def test_an_archive_that_is_not_the_build_files(landed: Config, tmp_path: Path) -> None:
    root = Path(landed.warehouse.archive)
    build_sql(landed, "delete from landing.loads where load_number = "
              "(select max(load_number) from landing.loads)")
    assert "1 loads that the build file lacks" in examine(landed)["archive"].seen
    shutil.rmtree(root)
    found = examine(landed)
    assert found["archive"].status == "fail"
    assert "of lite" in found["archive"].seen
    root.write_text("a file")
    found = examine(landed)
    assert found["archive root"].status == "fail"
    assert "space" not in found
    away = replace(landed.warehouse, archive="nothing://bucket/x")
    found = examine(replace(landed, warehouse=away))
    assert found["archive root"].status == "fail"
    assert found["archive"].status == "fail"
    store = replace(landed.warehouse, archive="memory://doctor-archive")
    assert examine(replace(landed, warehouse=store))["archive root"].status == "ok"


def test_leftovers_of_killed_runs(landed: Config) -> None:
    layout = Layout(landed.warehouse.path)
    paths = [layout.scratch / "deep" / "copy.db", layout.snapshots / ".warehouse-9.duckdb.part",
             layout.locks / "load.json"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 1024)
    assert examine(landed)["leftovers"].status == "ok"      # of a run that is under way, perhaps
    old = (clock.now() - timedelta(hours=2)).timestamp()
    for path in paths:
        os.utime(path, (old, old))
    check = examine(landed)["leftovers"]
    assert check.status == "warn"
    assert check.seen.startswith("3 temporary files of killed runs, 3.0 KiB")


def test_a_pointer_to_nowhere(landed: Config) -> None:
    Layout(landed.warehouse.path).pointer.write_text("snapshots/warehouse-00000099.duckdb\n")
    assert examine(landed)["published"].status == "fail"


def test_folders_that_are_none(made: Config, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = replace(made.warehouse, path=tmp_path / "file" / "var")
    found = examine(replace(made, warehouse=place))
    assert found["folder"].status == "fail"
    assert "is no folder" in found["folder"].seen


def test_a_folder_that_cannot_be_written(made: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    found = examine(made)
    assert found["folder"].status == "fail"
    assert "Permission denied" in found["folder"].seen


@pytest.mark.parametrize(("free", "status"), [(2**20, "fail"), (2**29, "warn"), (2**40, "ok")])
def test_room_on_the_disk(
    landed: Config, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    check = examine(landed)["disk"]
    assert check.status == status
    assert "for further landings" in check.seen


def test_a_path_with_a_quote(landed: Config, tmp_path: Path) -> None:
    moved = tmp_path / "it's here"
    shutil.move(landed.warehouse.path, moved)
    place = replace(landed.warehouse, path=moved, archive=str(moved / "archive"))
    found = examine(replace(landed, warehouse=place))
    assert found["build file"].status == "ok"
    assert found["archive"].status == "ok"


def test_the_sample_has_a_folder_of_its_own(landed: Config, tmp_path: Path) -> None:
    sample = replace(landed, clusters=(), origin=Origin("sample"),
                     warehouse=replace(landed.warehouse, archive="/nowhere"))
    found = examine(sample, layout=Layout(landed.warehouse.path))
    assert str(landed.warehouse.path / "archive") in found["archive root"].seen
    assert not {"clusters", "compaction"} & set(found)
    assert not [c for c in doctor.examine(sample, layout=Layout(landed.warehouse.path))
                if c.name == "retention"]
    none = replace(sample, origin=Origin("file"), warnings=("AIRFLOW_HOME is odd.",))
    found = examine(none)
    assert found["clusters"].status == "fail"
    assert found["warning"].seen == "AIRFLOW_HOME is odd."
