"""What a world writes lands whole: from SQLite, from PostgreSQL, and from an archive of old days.

small company  ─►  SQLite ─► landed  ═  PostgreSQL ─► landed  ═  archive + last days ─► landed
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ingest import gate, landing
from ingest.door import last_state
from ingest.world import live
from ingest.world.emit.archive import archive_days
from ingest.world.emit.databases import new_sqlite
from ingest.world.emit.definitions import prepare
from ingest.world.emit.postgresql import new_postgresql, open_postgresql
from ingest.world.emit.stream import Stream
from tests.airflow_world_landing import plain_judge
from tests.databases import Server, postgresql
from tests.small_world import CLUSTERS, FIRST, small_company, small_day
from tests.world_landing import Warehouse

COMPANY = small_company()
NOW = COMPANY.began_at + timedelta(days=3, hours=10)
DAYS = [FIRST + timedelta(days=n) for n in range(4)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "simulate", lambda _company, on: small_day(on))
    monkeypatch.setattr(gate, "judge", plain_judge)


def sqlite_urls(folder: Path) -> dict[str, str]:
    return {cluster: f"sqlite:///{folder / cluster / 'airflow.db'}" for cluster, _ in CLUSTERS}


def test_everything_lands_and_nothing_is_odd(tmp_path: Path) -> None:
    live.make(COMPANY, tmp_path / "airflow", NOW)
    with Warehouse(tmp_path / "warehouse") as warehouse:
        warehouse.land(sqlite_urls(tmp_path / "airflow"), NOW)
        rows = warehouse.rows()
        assert not any(row[-3] for found in rows.values() for row in found), "a row flag"
        assert all(load.facts["warnings"] == [] for load in warehouse.archive.manifests())
        faults = warehouse.con.execute(
            "select dag_id, faults from landing.airflow_db__dag_structure "
            "where len(faults) > 0").fetchall()
        assert faults == []
    for table in ("dag_run", "task_instance", "task_instance_history", "dag", "dag_structure_task",
                  "log", "asset_event", "dataset_event", "import_error", "job"):
        assert rows[table], table


def test_a_tick_is_found_by_the_next_landing_alone(tmp_path: Path) -> None:
    before = NOW - timedelta(hours=10, minutes=10)
    world = live.make(COMPANY, tmp_path / "airflow", before)
    with Warehouse(tmp_path / "a") as ticked, Warehouse(tmp_path / "b") as whole:
        ticked.land(sqlite_urls(tmp_path / "airflow"), before)
        world.tick(NOW)
        ticked.land(sqlite_urls(tmp_path / "airflow"), NOW)
        whole.land(sqlite_urls(tmp_path / "airflow"), NOW)
        here, there = ticked.rows(), whole.rows()
        for name, table in landing.ALL_TABLES.items():
            if table.strategy in ("run", "append"):
                assert living(here[name]) == living(there[name]), name


def living(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Without what was found to be gone: the place-holder of a task that was expanded."""
    return [row for row in rows if row[-2] is None]


@pytest.mark.parametrize("before_midnight", [timedelta(), timedelta(minutes=15)])
def test_old_days_may_come_as_an_archive(tmp_path: Path, before_midnight: timedelta) -> None:
    live.make(COMPANY, tmp_path / "whole", NOW)
    with Warehouse(tmp_path / "a") as whole, Warehouse(tmp_path / "b") as split:
        whole.land(sqlite_urls(tmp_path / "whole"), NOW)
        archived = make_split(split, tmp_path / "split", NOW, before_midnight)
        loads = split.land(sqlite_urls(tmp_path / "split"), NOW)
        assert split.rows() == whole.rows()
        kept = {b.table: b.row_count for load in loads for b in load.batches
                if b.table in ("dag_run", "log")}
        assert archived >= 4
        assert kept["dag_run"] <= whole.con.execute(
            "select count(*) from landing.airflow_db__dag_run").fetchall()[0][0] - archived
        again = split.land(sqlite_urls(tmp_path / "split"), NOW)
        assert sum(b.row_count for load in again for b in load.batches) == 0
        assert last_state(split.con, "airflow_db", "two")["history"] is None


def make_split(warehouse: Warehouse, folder: Path, instant: datetime,
               before_midnight: timedelta) -> int:
    """The first two days as an archive, the others in databases; how many runs are archived."""
    count = 0
    for row in COMPANY.clusters.iter_rows(named=True):
        stream = Stream(prepare(COMPANY, row))
        door = landing.open_door(warehouse.con, warehouse.archive, warehouse.layout,
                                 landing.Cluster(row["cluster"], f"sqlite:///{folder}"))
        old = [(on, small_day(on)) for on in DAYS[:2]]
        # while a run of the second day is still under way, or before another one of it is made
        cutoff = COMPANY.began_at + timedelta(days=2) - before_midnight
        done = archive_days(door, stream, old, cutoff=cutoff, instant=instant, facts={},
                            instances_a_load=8)
        assert len(done.loads) == 2
        count += sum(b.row_count for m in done.loads for b in m.batches if b.table == "dag_run")
        (folder / row["cluster"]).mkdir(parents=True)
        with new_sqlite(folder / row["cluster"] / "airflow.db", row["release"]) as database:
            database.insert(done.left)
            for on in [d for d in DAYS[2:] if d <= instant.date()]:
                database.insert(stream.fill(on, small_day(on), instant))
            database.insert(stream.finish(instant))
            database.finish()
    return count


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql() as running:
        yield running


def test_postgresql_holds_the_same(tmp_path: Path, server: Server) -> None:
    before = NOW - timedelta(hours=10, minutes=10)
    world = live.make(COMPANY, tmp_path / "airflow", before)
    world.tick(NOW)
    urls = {}
    for row in COMPANY.clusters.iter_rows(named=True):
        name = row["cluster"]
        server.execute(f"create database {name}_world", "postgres")
        url = server.url(f"{name}_world", user="postgres")
        stream = Stream(prepare(COMPANY, row))
        with new_postgresql(url, row["release"]) as database:
            for on in [d for d in DAYS if d <= before.date()]:
                database.insert(stream.fill(on, small_day(on), before))
            database.insert(stream.finish(before))
            database.finish()
        with open_postgresql(url, row["release"]) as database:
            live.advance(stream, database, NOW, small_day)
        urls[name] = server.url(f"{name}_world")
    with Warehouse(tmp_path / "a") as here, Warehouse(tmp_path / "b") as there:
        here.land(sqlite_urls(tmp_path / "airflow"), NOW)
        there.land(urls, NOW)
        ours, theirs = there.rows(), here.rows()
        # the key of a file is a UUID, which SQLite writes without dashes
        codes, other_codes = ours.pop("dag_code"), theirs.pop("dag_code")
        assert ours == theirs
        assert undashed(codes) == undashed(other_codes)


def undashed(rows: list[tuple[object, ...]]) -> list[str]:
    return sorted(repr(row).replace("-", "") for row in rows)
