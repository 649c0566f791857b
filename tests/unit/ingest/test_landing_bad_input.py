"""Whatever a metadata URL leads to: a clear error, the other clusters land, nothing is half done.

bad source beside a good one ─► land_clusters ─► error class, message, next step; nothing else moved
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.landing import Cluster
from ingest.sources.airflow_db.readers import ReadLimits
from tests.databases import Server, free_port, postgresql
from tests.fixture_databases import (
    NOW,
    Place,
    content,
    fixture,
    landed_count,
    place,
    quiet_settings,
    unpack,
)
from windsock.errors import (
    NotAirflowError,
    SourceAccessError,
    SourceBusyError,
    SourceCorruptError,
    SourceError,
    SourceMigratingError,
    SourceUnreachableError,
)

PASSWORD = "n0t-th1s-0ne"
IMPATIENT = quiet_settings(limits=ReadLimits(connect_seconds=2.0, busy_seconds=0.1))
THREE = "3.1.8/airflow.db"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two clusters that are landed; one of them will go bad in every test."""
    folder = tmp_path_factory.mktemp("bad")
    with place(folder) as here:
        for name in ("good", "bad"):
            here.land(f"sqlite:///{unpack(fixture('2.0.2/airflow.db'), folder / name)}", name)
        yield here


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql("log_min_messages=panic") as running:
        yield running


Make = Callable[[Path], str]


def written(data: bytes) -> Make:
    def make(folder: Path) -> str:
        (folder / "airflow.db").write_bytes(data)
        return f"sqlite:///{folder / 'airflow.db'}"
    return make


def changed(name: str, *changes: str) -> Make:
    return lambda folder: f"sqlite:///{unpack(fixture(name), folder, *changes)}"


def of_something_else(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "shop.db")) as con, con:
        con.execute("create table customers (id int)")
    return f"sqlite:///{folder / 'shop.db'}"


def torn(folder: Path) -> str:
    data = bytearray(content(fixture("2.0.2/airflow.db")))
    data[4096:] = bytes(len(data) - 4096)
    (folder / "airflow.db").write_bytes(bytes(data))
    return f"sqlite:///{folder / 'airflow.db'}"


BAD: dict[str, tuple[Make, type[SourceError], str]] = {
    "no server": (
        lambda _: f"postgresql://reader:{PASSWORD}@127.0.0.1:{free_port()}/airflow",
        SourceUnreachableError, "check host"),
    "no such host": (
        lambda _: f"postgresql://reader:{PASSWORD}@nowhere.invalid/airflow",
        SourceUnreachableError, "check host"),
    "no mysql server": (
        lambda _: f"mysql://reader:{PASSWORD}@127.0.0.1:{free_port()}/airflow",
        SourceUnreachableError, "check"),
    "no file": (lambda f: f"sqlite:///{f}/nothing.db", SourceUnreachableError, "check the path"),
    "a directory": (lambda f: f"sqlite:///{f}", SourceUnreachableError, ""),
    "an empty file": (written(b""), NotAirflowError, "airflow db migrate"),
    "not a database": (written(b"PK\x03\x04" + b"zip" * 2000), SourceCorruptError, "copy the file"),
    "a truncated file": (
        written(content(fixture("2.0.2/airflow.db"))[:20_000]),
        SourceCorruptError, "copy the file"),
    "a torn file": (torn, SourceCorruptError, "copy the file"),
    "a database of something else": (
        of_something_else, NotAirflowError, "check the database name"),
    "a missing column": (
        changed("2.10.5/airflow.db", "alter table dag_run rename column state to status"),
        SourceMigratingError, "finish `airflow db migrate`"),
    "a missing table": (
        changed("2.10.5/airflow.db", "drop table task_instance"),
        SourceMigratingError, "airflow db migrate"),
    "two heads": (
        changed("2.10.5/airflow.db", "insert into alembic_version values ('e959f08ac86c')"),
        SourceMigratingError, "finish `airflow db migrate`"),
    "a left-over table": (
        changed("2.10.5/airflow.db", "create table _alembic_tmp_dag_run (id int)"),
        SourceMigratingError, "finish `airflow db migrate`"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_source_is_told_and_leaves_everything_as_it_was(
    warehouse: Place, tmp_path: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    make, kind, next_step = BAD[case]
    refuse(warehouse, make(tmp_path), kind, next_step, caplog)


def refuse(here: Place, url: str, kind: type[SourceError], next_step: str,
           caplog: pytest.LogCaptureFixture) -> None:
    before = here.fingerprint()
    good = f"sqlite:///{here.folder / 'good' / 'airflow.db'}"
    failures = here.one("select count(*) from landing.failed_loads")
    outcomes = here.try_to_land(Cluster("bad", url, as_of=NOW), Cluster("good", good, as_of=NOW),
                                settings=IMPATIENT)

    error = outcomes[0].error
    assert type(error) is kind
    assert error.expected
    assert next_step in error.next_step
    assert str(error).endswith(".")
    assert "\n" not in str(error)
    assert [outcomes[1].error, landed_count(outcomes[1].loads)] == [None, {}]
    assert len(outcomes[1].loads) == 1
    # Nothing of the bad one moved: not a row, not a file, not its cursors.
    after = here.fingerprint()
    assert outcomes[0].loads == []
    assert set(before["files"].items()) <= set(after["files"].items())
    assert all("/good/_manifests/" in f for f in set(after["files"]) - set(before["files"]))
    assert after["quarantine"] == before["quarantine"]
    changed_tables = {t for t in before["tables"] if before["tables"][t] != after["tables"][t]}
    assert changed_tables == {"loads"}
    assert list(here.layout.scratch.iterdir()) == []
    assert not (here.layout.locks / "load.json").exists()
    # It is recorded, and its password is nowhere.
    assert here.one("select count(*) from landing.failed_loads") == failures + 1
    told = here.query("select * from landing.failed_loads order by failed_at desc limit 1")[0]
    assert (told["cluster"], told["error_class"], told["message"]) == (
        "bad", kind.__name__, str(error))
    assert PASSWORD not in str(error) + caplog.text + repr(told) + repr(outcomes)


def test_a_locked_file(
    warehouse: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = unpack(fixture("2.0.2/airflow.db"), tmp_path)
    with closing(sqlite3.connect(database)) as holder:
        holder.execute("begin exclusive")
        refuse(warehouse, f"sqlite:///{database}", SourceBusyError, "try again", caplog)
        holder.rollback()


@pytest.mark.parametrize(("user", "database", "kind"), [
    ("windsock", "airflow", SourceAccessError),
    ("nobody_here", "airflow", SourceAccessError),
])  # fmt: skip
def test_a_password_that_is_refused(
    warehouse: Place, server: Server, user: str, database: str, kind: type[SourceError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    refuse(warehouse, server.url(database, user=user, password=PASSWORD), kind, "", caplog)


def test_an_empty_database_on_a_server(
    warehouse: Place, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(warehouse, server.url(), NotAirflowError, "check the database name", caplog)


def test_a_database_that_the_server_does_not_have(
    warehouse: Place, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(warehouse, server.url("airfl0w"), SourceUnreachableError, "database", caplog)


def test_a_cluster_that_recovers_goes_on_where_it_was(warehouse: Place) -> None:
    url = f"sqlite:///{warehouse.folder / 'bad' / 'airflow.db'}"
    outcome = warehouse.land(url, "bad", now=NOW + timedelta(minutes=1))
    assert landed_count(outcome.loads) == {}
    assert [m.kind for m in outcome.loads] == ["increment"]


def test_clusters_with_similar_and_odd_names_do_not_mix(tmp_path: Path) -> None:
    names = ["prod", "prod-2", "prod.eu", "Ünï prod", "it's"]
    small = unpack(fixture("2.0.2/airflow.db"), tmp_path / "small")
    with place(tmp_path) as here:
        outcomes = here.try_to_land(*(Cluster(n, f"sqlite:///{small}", as_of=NOW) for n in names))
        assert [o.error for o in outcomes] == [None] * len(names)
        counts = here.query("select cluster, count(*) as n from landing.airflow_db__task_instance "
                            "group by cluster order by cluster")
        assert [c["cluster"] for c in counts] == sorted(names)
        assert len({c["n"] for c in counts}) == 1


# --- a release that does not exist yet ---------------------------------------------------------

NEWER = "update alembic_version set version_num = 'ffffffffffff'"


def warnings_of(here: Place) -> str:
    [found] = {r["w"] for r in here.query("select facts->>'warnings' as w from landing.loads")}
    return str(found)


def test_an_unknown_revision_with_more_columns_lands_with_a_warning(tmp_path: Path) -> None:
    database = unpack(
        fixture(THREE), tmp_path, NEWER,
        "alter table task_instance add column mood text default 'PLANTED-MOOD'",
        "create table feelings (id integer primary key, text)")
    with place(tmp_path) as here:
        here.land(f"sqlite:///{database}")
        assert "ffffffffffff" in warnings_of(here)
        assert "Not found" not in warnings_of(here)
        assert len(here.rows("task_instance")) == 51
        assert not any("PLANTED-MOOD" in repr(r) for r in here.rows("task_instance"))


def test_an_unknown_revision_with_fewer_columns_lands_and_names_them(tmp_path: Path) -> None:
    gone = {"dag_run": ("conf", "updated_at", "triggered_by"),
            "task_instance": ("updated_at", "scheduled_dttm", "pool"),
            "dag": ("is_stale", "timetable_summary"),
            "serialized_dag": ("data", "dag_hash"),
            "import_error": ("bundle_name",), "log": ("event",)}
    renames = [f"alter table {t} rename column {c} to new_{c}"
               for t, names in gone.items() for c in names]
    others = ["alter table job rename column job_type to kind",
              "alter table dag_warning rename column warning_type to kind",
              "alter table team rename column name to title"]
    database = unpack(fixture(THREE), tmp_path, NEWER, *renames, *others)
    with place(tmp_path) as here:
        here.land(f"sqlite:///{database}")
        told = warnings_of(here)
        names = [f"{t}.{c}" for t, cs in gone.items() for c in cs]
        assert [name for name in names if name not in told] == []
        assert re.search(r"not landed: .*dag_warning.*team|not landed: .*team.*dag_warning", told)
        assert len(here.rows("task_instance", "*", "pool is null and updated_at is null")) == 51
        assert here.quarantined() == []
        assert landed_count(here.land(f"sqlite:///{database}").loads) == {}
