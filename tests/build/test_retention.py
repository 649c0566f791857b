"""Expiry: the marts are what a rebuild from the archive gives, and roll-ups outlive their runs.

    days of a real release -> land -> build -> expire -> land -> build (anew)
      -> rebuild from the compacted, purged archive -> the same marts
"""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from ingest import keeping, landing, retention
from ingest.sources.airflow_db.steps import Pace
from tests.airflow_world import SqliteFile, World
from tests.airflow_world_landing import Lab
from tests.build.test_increments import Life, build
from windsock.build import Builder
from windsock.warehouse import Layout

DETAIL = timedelta(days=4)
ROLLUPS = {"agg_daily_platform_usage": "usage_date", "agg_daily_limit_waits": "wait_date"}


def a_day(lab: Lab, life: Life) -> None:
    life.world.now += timedelta(days=3)
    lab.clock.at += timedelta(days=3)
    life.minute()
    lab.poll(reconcile="all")


def rows_before(lab: Lab, mart: str, day: object) -> list[object]:
    return sorted(lab.rows(f"select * from marts.{mart} where {ROLLUPS[mart]} < $1", day), key=repr)


def test_marts_after_an_expiry_are_those_of_a_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = SqliteFile.of_fixture("2.10.5", tmp_path / "airflow.db")
    life = Life(World(database), 5)
    lab = Lab(tmp_path / "var", life.world, database.url, monkeypatch)
    lab.pace = Pace(history=DETAIL, page_runs=50, detail=DETAIL)
    builder = Builder(lab.layout)
    lab.poll()
    a_day(lab, life)
    a_day(lab, life)
    build(lab, builder)
    runs = lab.rows("select count(*) from marts.fct_dag_runs")
    today = lab.clock.at.date() + timedelta(days=5)
    keeping.keep(landing.compaction(lab.con, lab.archive, lab.layout), today, detail=DETAIL)
    [(boundary,)] = lab.rows("select expired_before::date from landing.rollups__boundary")
    rolled = {mart: rows_before(lab, mart, boundary) for mart in ROLLUPS}
    assert rolled["agg_daily_platform_usage"]
    lab.poll()
    assert retention.is_unbuilt(lab.con)
    build(lab, builder, full=True)
    assert not retention.is_unbuilt(lab.con)
    assert lab.rows("select count(*) from marts.fct_dag_runs") < runs
    for mart, rows in rolled.items():
        assert rows_before(lab, mart, boundary) == rows
    life.minute()
    lab.poll()
    after = build(lab, builder)
    lab.con.close()

    again = Lab(tmp_path / "again", life.world, database.url, monkeypatch,
                archive=str(lab.layout.root / "archive"))
    landing.catch_up(again.con, again.archive, again.layout)
    whole = build(again, Builder(Layout(tmp_path / "again")), full=True)
    again.con.close()
    for name in sorted(whole):
        missing, extra = whole[name] - after[name], after[name] - whole[name]
        assert (missing, extra) == (Counter(), Counter()), (
            f"{name}: lacks {list(missing)[:3]}, and has instead {list(extra)[:3]}")
