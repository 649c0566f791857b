"""A living world: any number of ticks ends in the rows of a world that was made at the end.

small company  ─►  make(B)  ═  make(A), tick, tick, …, tick(B)  ═  make(A), resume(A), tick(B)
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.world import live
from ingest.world.emit import schema
from tests.small_world import CLUSTERS, small_company, small_day

COMPANY = small_company()
BEGAN = COMPANY.began_at
# Around midnight, when runs of two days are under way.
NIGHT = BEGAN + timedelta(days=1, hours=23, minutes=38)
SECONDS = st.integers(0, 40 * 60)


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(live, "simulate", lambda _company, on: small_day(on))
        yield


def content(folder: Path) -> dict[str, list[Any]]:
    """Every row of every table of every cluster."""
    found = {}
    for cluster, release in CLUSTERS:
        with closing(sqlite3.connect(folder / cluster / "airflow.db")) as con:
            for table in schema.columns(release):
                rows = con.execute(f'select * from "{table}"').fetchall()
                found[f"{cluster}.{table}"] = sorted(rows, key=repr)
    return found


def select(folder: Path, cluster: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / cluster / "airflow.db")) as con:
        return con.execute(sql).fetchall()


@settings(max_examples=8, deadline=None)
@given(st.lists(SECONDS, min_size=2, max_size=6, unique=True), st.booleans())
def test_any_ticks_end_in_the_same_rows(seconds: list[int], is_resumed: bool) -> None:
    first, *rest = (NIGHT + timedelta(seconds=s) for s in sorted(seconds))
    with TemporaryDirectory() as name:
        folder = Path(name)
        world = live.make(COMPANY, folder / "ticked", first)
        for instant in rest:
            if is_resumed:
                world = live.resume(COMPANY, folder / "ticked", world.instant)
            world.tick(instant)
        live.make(COMPANY, folder / "made", rest[-1])
        assert content(folder / "ticked") == content(folder / "made")


def test_days_without_a_tick_are_caught_up(tmp_path: Path) -> None:
    live.make(COMPANY, tmp_path / "ticked", BEGAN + timedelta(hours=5)).tick(
        BEGAN + timedelta(days=3, hours=1))
    live.make(COMPANY, tmp_path / "made", BEGAN + timedelta(days=3, hours=1))
    assert content(tmp_path / "ticked") == content(tmp_path / "made")


def test_a_tick_that_was_not_noted_is_written_again(tmp_path: Path) -> None:
    live.make(COMPANY, tmp_path, NIGHT).tick(NIGHT + timedelta(minutes=20))
    before = content(tmp_path)
    live.resume(COMPANY, tmp_path, NIGHT).tick(NIGHT + timedelta(minutes=20))
    assert content(tmp_path) == before


@pytest.mark.parametrize(("seconds", "state", "number", "earlier"), [
    (130, None, 0, 0),          # made with its run
    (184, "scheduled", 1, 0),
    (185, "queued", 1, 0),
    (190, "running", 1, 0),
    (214, "up_for_retry", 1, 1),
    (514, "queued", 2, 1),
    (550, "success", 2, 1),
])
def test_a_task_shows_as_airflow_shows_it(tmp_path: Path, seconds: int, state: str | None,
                                          number: int, earlier: int) -> None:
    live.make(COMPANY, tmp_path, NIGHT + timedelta(seconds=seconds))
    run = f"scheduled__{BEGAN + timedelta(days=1, hours=23, minutes=40):%Y-%m-%dT%H:%M:%S}+00:00"
    for cluster, _ in CLUSTERS:
        where = f"where dag_id = 'etl' and task_id = 'load' and run_id = '{run}'"
        [row] = select(tmp_path, cluster, f"select state, try_number from task_instance {where}")
        assert row == (state, number)
        [count] = select(tmp_path, cluster,
                         f"select count(*) from task_instance_history {where}")
        assert count == (earlier,)


@pytest.mark.parametrize("seconds", [214, 514, 550])
def test_a_new_try_has_a_new_identity(tmp_path: Path, seconds: int) -> None:
    live.make(COMPANY, tmp_path, NIGHT + timedelta(seconds=seconds))
    assert select(tmp_path, "three", "select count(*) from task_instance as t join "
                  "task_instance_history as h on h.task_instance_id = t.id") == [(0,)]
    [(count,)] = select(tmp_path, "three", "select count(*) from task_instance_history")
    assert count == 2


@pytest.mark.parametrize(("seconds", "indices"), [(1204, [-1]), (1270, [0, 1, 2])])
def test_a_mapped_task_has_one_row_until_it_is_expanded(tmp_path: Path, seconds: int,
                                                        indices: list[int]) -> None:
    world = live.make(COMPANY, tmp_path, NIGHT + timedelta(seconds=1203))
    world.tick(NIGHT + timedelta(seconds=seconds))
    run = f"%{BEGAN + timedelta(days=1):%Y-%m-%d}%"
    for cluster, _ in CLUSTERS:
        found = select(tmp_path, cluster, "select map_index from task_instance where task_id = "
                       f"'work' and run_id like '{run}' order by 1")
        assert [n for (n,) in found] == indices


def test_ids_grow_with_time(tmp_path: Path) -> None:
    live.make(COMPANY, tmp_path, BEGAN + timedelta(days=3))
    for cluster, noun in (("two", "dataset"), ("three", "asset")):
        for table, column in (("log", "dttm"), (f"{noun}_event", "timestamp"),
                              ("dag_run", "queued_at")):
            found = select(tmp_path, cluster, f'select "{column}" from {table} order by id')
            assert len(found) > 2
            assert found == sorted(found)


def test_asset_runs_know_what_started_them(tmp_path: Path) -> None:
    live.make(COMPANY, tmp_path, BEGAN + timedelta(days=3))
    for cluster, noun in (("two", "dataset"), ("three", "asset")):
        found = select(tmp_path, cluster, "select r.dag_id, e.source_task_id, "
                       "e.timestamp < r.queued_at "
                       f"from dagrun_{noun}_event as d join dag_run as r on r.id = d.dag_run_id "
                       f"join {noun}_event as e on e.id = d.event_id")
        assert found == [("consumer", "load", 1)] * 3


def test_failures_leave_logs_and_samples(tmp_path: Path) -> None:
    world = live.make(COMPANY, tmp_path / "made", NIGHT + timedelta(seconds=150))
    world.tick(NIGHT + timedelta(days=1))
    live.make(COMPANY, tmp_path / "whole", NIGHT + timedelta(days=1))
    for cluster, _ in CLUSTERS:
        for kind in ("logs", "usage"):
            ticked, whole = ({p.relative_to(tmp_path / name): sorted(p.read_text().splitlines())
                              for p in (tmp_path / name / cluster / kind).rglob("*.*l*")
                              if p.is_file()} for name in ("made", "whole"))
            assert {Path(*p.parts[1:]): t for p, t in ticked.items()} == {
                Path(*p.parts[1:]): t for p, t in whole.items()}
        [failed, *_] = sorted((tmp_path / "whole" / cluster / "logs").glob(
            "dag_id=etl/*/task_id=load/attempt=1.log"))
        assert "seller_region" in failed.read_text()


def test_logs_of_3_are_json_and_tell_the_error(tmp_path: Path) -> None:
    live.make(COMPANY, tmp_path, NIGHT + timedelta(minutes=30))
    for path in (tmp_path / "three" / "logs").rglob("attempt=1.log"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert all({"timestamp", "level", "event", "logger"} <= set(line) for line in lines)
        [detail] = [line["error_detail"] for line in lines if "error_detail" in line]
        assert detail[0]["exc_type"] == "KeyError"
        assert [f["name"] for f in detail[0]["frames"]][-1] == "normalise"
        assert datetime.fromisoformat(lines[0]["timestamp"]).tzinfo is not None
