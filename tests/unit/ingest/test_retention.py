"""Retention: what ended long ago goes, whole and everywhere, and does not come back."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import keeping, landing, retention
from ingest.archive import Manifest
from ingest.sources.airflow_db.steps import Pace
from ingest.sources.airflow_db.tables import TABLES
from tests.airflow_world import SqliteFile, World
from tests.airflow_world_landing import CLUSTER, Broken, Lab, break_at, dump
from windsock import effects

DETAIL = timedelta(days=3)
RUN_TABLES = [n for n, t in TABLES.items() if t.strategy == "run"]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first landing; four days later runs that ended, one that did not, and audit rows."""
    folder = tmp_path_factory.mktemp("past")
    with pytest.MonkeyPatch.context() as patches:
        lab = lab_of(SqliteFile.of_fixture("2.10.5", folder / "airflow.db"), folder, patches)
        lab.poll()
        later(lab, 4)
        lab.con.close()
    return folder


def lab_of(database: SqliteFile, folder: Path, patches: pytest.MonkeyPatch) -> Lab:
    lab = Lab(folder / "var", World(database), database.url, patches)
    lab.pace = Pace(history=DETAIL, page_runs=7, detail=DETAIL)
    return lab


@pytest.fixture
def lab(past: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    shutil.copytree(past, tmp_path, dirs_exist_ok=True)
    lab = lab_of(SqliteFile(tmp_path / "airflow.db"), tmp_path, monkeypatch)
    yield lab
    effects.observer = None
    lab.con.close()


def later(lab: Lab, days: int) -> None:
    """Time passes, a run comes and is worked on, somebody looks at a page."""
    lab.world.now += timedelta(days=days)
    lab.clock.at += timedelta(days=days)
    _, run_id = lab.world.new_run("conf_run", tasks=2)
    for instance in lab.world.instances():
        if instance["run_id"] == run_id:
            lab.world.start(instance)
            lab.world.end(instance, "success")
    lab.world.end_run(next(r for r in lab.world.runs() if r["run_id"] == run_id), "success")
    lab.world.new_run("conf_run", tasks=1)
    lab.world.log("ui_view")
    lab.poll()


def build(lab: Lab) -> None:
    """Marts by hand, as far as retention looks at them."""
    lab.con.execute("""
        create schema if not exists marts; create schema if not exists intermediate;
        create or replace table intermediate.int_changes__done as
            select cluster, max(load_number) as newest_load_number from landing.loads group by 1;
        create or replace table marts.agg_daily_platform_usage as
            select cluster, start_date::date as usage_date, 1 as active_user_count,
                count(*) as dag_run_count, 0 as task_instance_count, 0 as ui_api_request_count
            from landing.airflow_db__dag_run where start_date is not null group by 1, 2;
        create or replace table marts.agg_daily_limit_waits as
            select cluster, 'pool' as limit_kind, 'p' as limit_name, dag_id,
                start_date::date as wait_date, 1.5 as wait_seconds, count(*) as instance_count,
                1 as run_count
            from landing.airflow_db__task_instance where start_date is not null
            group by all""")


def expire(lab: Lab, detail: timedelta = DETAIL) -> Manifest | None:
    return retention.expire(landing.open_door(
        lab.con, lab.archive, lab.layout, landing.Cluster(CLUSTER, lab.url)), detail)


def keys(lab: Lab, table: str) -> set[tuple[str, str]]:
    return set(lab.rows(f"select distinct dag_id, run_id from landing.airflow_db__{table}"))


def test_runs_expire_whole_and_unfinished_ones_never(lab: Lab) -> None:
    build(lab)
    before = keys(lab, "dag_run")
    unfinished = {(r["dag_id"], r["run_id"]) for r in lab.world.runs()
                  if r["state"] in ("queued", "running")}
    unfinished |= {(i["dag_id"], i["run_id"]) for i in lab.world.instances()
                   if i["state"] not in ("success", "failed", "skipped", "upstream_failed",
                                         "removed")}
    young = {(d, r) for d, r in lab.rows(
        "select dag_id, run_id from landing.airflow_db__dag_run where end_date >= $1",
        (lab.world.now - DETAIL).replace(hour=0, minute=0, second=0, microsecond=0))}
    manifest = expire(lab)
    assert manifest is not None
    after = keys(lab, "dag_run")
    gone = before - after
    assert gone
    assert unfinished & before
    assert not gone & (unfinished | young)
    assert manifest.batches[0].row_count == len(gone)
    for name in RUN_TABLES:
        assert not gone & keys(lab, name)
        if TABLES[name].observed:
            assert not gone & keys(lab, f"{name}__replaced")
    assert not gone & set(lab.rows("select dag_id, run_id from landing.run_loads"))
    [(oldest,)] = lab.rows("select min(dttm) from landing.airflow_db__log")
    assert oldest >= (lab.world.now - DETAIL).replace(hour=0, minute=0, second=0, microsecond=0)
    assert retention.is_unbuilt(lab.con)
    build(lab)
    assert not retention.is_unbuilt(lab.con)
    assert expire(lab) is None
    lab.check_rebuild()
    lab.check_loads()


@pytest.mark.parametrize("level", ["recent", "month", "all"])
def test_what_expired_is_not_read_back_and_not_taken_for_deleted(lab: Lab, level: str) -> None:
    build(lab)
    before = keys(lab, "dag_run")
    expire(lab)
    gone = before - keys(lab, "dag_run")
    loads = [*lab.poll(reconcile=level), *lab.poll()]
    assert sum(b.tombstone_count for m in loads for b in m.batches) == 0
    assert not gone & keys(lab, "dag_run")
    assert not [b for m in loads for b in m.batches if b.table in (*RUN_TABLES, "log")]


def test_an_expired_run_that_is_cleared_comes_back_until_it_has_ended_again(lab: Lab) -> None:
    build(lab)
    before = keys(lab, "dag_run")
    expire(lab)
    gone = before - keys(lab, "dag_run")
    run = next(r for r in lab.world.runs() if (r["dag_id"], r["run_id"]) in gone)
    lab.world.end_run(run, "queued")
    lab.poll()
    assert (run["dag_id"], run["run_id"]) in keys(lab, "dag_run")
    build(lab)
    expire(lab)
    assert (run["dag_id"], run["run_id"]) in keys(lab, "dag_run")
    lab.check_rebuild()


def test_roll_ups_are_landed_before_their_runs_go(lab: Lab) -> None:
    build(lab)
    usage = lab.rows("select usage_date, dag_run_count from marts.agg_daily_platform_usage "
                     "where usage_date < $1 order by 1", (lab.world.now - DETAIL).date())
    assert usage
    expire(lab)
    archived = lab.rows("select usage_date::date, dag_run_count "
                        "from landing.rollups__daily_platform_usage order by 1")
    assert archived == usage
    assert lab.rows("select expired_before::date from landing.rollups__boundary") == [
        ((lab.world.now - DETAIL).date(),)]
    later(lab, 4)
    build(lab)
    expire(lab)
    again = lab.rows("select usage_date::date, dag_run_count "
                     "from landing.rollups__daily_platform_usage order by 1")
    assert again[:len(archived)] == archived
    assert len({day for day, _ in again}) == len(again) > len(archived)
    lab.check_rebuild()


def test_nothing_expires_before_the_marts_hold_what_is_landed(lab: Lab) -> None:
    assert expire(lab) is None
    build(lab)
    lab.poll()
    assert expire(lab) is None
    assert not retention.is_unbuilt(lab.con)
    build(lab)
    assert expire(lab, timedelta(days=400)) is None
    assert expire(lab) is not None


def test_what_expired_leaves_the_archive_once_a_month(lab: Lab) -> None:
    build(lab)
    keep(lab)
    before = rows_archived(lab)
    later(lab, 40)
    build(lab)
    keep(lab)
    here = dump(lab.con)
    assert rows_archived(lab) < before
    lab.check_rebuild()
    assert keep(lab).merged_count == 0
    assert dump(lab.con) == here


def keep(lab: Lab) -> keeping.Report:
    today: date = lab.clock.at.date() + timedelta(days=5)
    return keeping.keep(landing.compaction(lab.con, lab.archive, lab.layout), today, detail=DETAIL)


def rows_archived(lab: Lab) -> int:
    """Rows of runs that the first days' files hold."""
    root = lab.layout.root / "archive"
    first = lab.world.now.replace(year=2026, month=12, day=1).date().isoformat()
    return sum(pq.read_metadata(root / p).num_rows for p in lab.archive.paths()
               if p.endswith(".parquet") and "/task_instance/" in p
               and p.split("date=")[1][:10] < first)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(
    st.tuples(st.just("later"), st.sampled_from([1, 4, 33])),
    st.tuples(st.just("keep"), st.just(0)),
    st.tuples(st.just("kill"), st.integers(1, 80))), min_size=1, max_size=4))
def test_any_order_of_landings_expiries_and_kills(past: Path, steps: list[tuple[str, int]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wsk-keep-"))
    shutil.copytree(past, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patches:
        lab = lab_of(SqliteFile(folder / "airflow.db"), folder, patches)
        try:
            for what, number in steps:
                if what == "later":
                    later(lab, number)
                    continue
                build(lab)
                if what == "kill":
                    break_at(number, Broken())
                try:
                    keep(lab)
                except Broken:
                    lab.reopen()
                effects.observer = None
            landing.catch_up(lab.con, lab.archive, lab.layout)
            build(lab)
            keep(lab)
            lab.check_rebuild()
            lab.check_loads()
            loads = lab.poll(reconcile="all")
            assert not [b for m in loads for b in m.batches if b.table in RUN_TABLES]
        finally:
            effects.observer = None
            lab.con.close()
            shutil.rmtree(folder)
