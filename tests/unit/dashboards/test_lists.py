"""Shaping of lists: limits joined up, buckets of time, spans of waits, parts of a slowdown."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from dashboards import charts
from dashboards.panels import imports_list, limits_detail, limits_list, list_parts, slowest_list
from dashboards.panels.run_holders import Limit

AT = datetime.fromisoformat("2001-03-04T12:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEY = {"cluster": "c", "limit_kind": "pool", "limit_name": "etl"}
WAITS = {**dict.fromkeys(limits_list.KEYS, pl.String), "wait_seconds": pl.Float64,
         "instance_count": pl.Int64, "run_count": pl.Int64, "dag_count": pl.Int64}
FULL = {**dict.fromkeys(limits_list.KEYS, pl.String), "need_count": pl.Int64,
        "full_seconds": pl.Float64, "counted_count": pl.Int64, "limit_run_id": pl.String}
SIZES = {**dict.fromkeys(limits_list.KEYS, pl.String), "size_count": pl.Int64,
         "is_counted_by_run": pl.Boolean}


def _joined(waits: list[dict[str, Any]], full: list[dict[str, Any]],
            sizes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return limits_list.joined_up(
        pl.DataFrame(waits, schema=WAITS), pl.DataFrame(full, schema=FULL),
        pl.DataFrame(sizes, schema=SIZES), 1000.0).to_dicts()


def test_windows_are_whole_days() -> None:
    window = limits_list.Window("7 d", AT)
    assert window.since == datetime.fromisoformat("2001-02-25T00:00")
    assert window.words == "since Sun 25 Feb"
    assert window.seconds == 7.5 * 86_400
    assert not window.is_short


def test_a_limit_that_was_full_without_cost_and_an_idle_pool_are_listed() -> None:
    rows = _joined([], [KEY | {"need_count": 1, "full_seconds": 100.0, "counted_count": 1,
                               "limit_run_id": ""}],
                   [KEY | {"size_count": 4, "is_counted_by_run": False},
                    KEY | {"limit_name": "idle", "size_count": 9, "is_counted_by_run": False},
                    KEY | {"limit_kind": "max_active_tasks", "limit_name": "d",
                           "size_count": 16, "is_counted_by_run": False}])
    assert [(r["limit_name"], r["wait_seconds"], r["full_ratio"]) for r in rows] == [
        ("etl", 0.0, 0.1), ("idle", 0.0, 0.0)]


def test_the_smallest_need_tells_how_long_a_pool_was_full() -> None:
    [row] = _joined([], [KEY | {"need_count": need, "full_seconds": seconds, "counted_count": 1,
                                "limit_run_id": ""} for need, seconds in ((2, 500.0), (1, 200.0))],
                    [])
    assert row["full_seconds"] == 200.0
    assert row["size_count"] is None


def test_what_is_counted_by_run_has_no_share_of_the_time() -> None:
    [row] = _joined([], [KEY | {"limit_kind": "max_active_tasks", "need_count": 1,
                                "full_seconds": 5000.0, "counted_count": 9,
                                "limit_run_id": "r"}], [])
    assert row["full_ratio"] is None


def test_days_of_nothing_have_bars_of_nothing() -> None:
    rows = limits_detail.by_day(
        pl.DataFrame({"wait_date": [AT.date()], "wait_seconds": [60.0]}),
        pl.DataFrame({"full_date": [AT.date()] * 2, "need_count": [1, 2],
                      "full_seconds": [10.0, 99.0], "highest_size_count": [4, 4]}),
        limits_list.Window("24 h", AT).since, AT)
    assert rows["wait_seconds"].to_list() == [0.0, 60.0]
    assert rows["full_seconds"].to_list() == [0.0, 10.0]
    assert rows["size_count"].to_list() == [None, 4]


def test_a_stretch_over_hours_is_shared_out_and_a_wait_is_not() -> None:
    rows = limits_detail.by_hour(
        pl.DataFrame({"ready_at": [AT - HOUR / 2], "limit_wait_seconds": [7200.0]}),
        pl.DataFrame({"need_count": [1, 2], "began_at": [AT - 1.5 * HOUR] * 2,
                      "ended_at": [AT, AT + HOUR], "size_count": [3, 3]}),
        AT - 2 * HOUR, AT)
    assert rows["full_seconds"].to_list() == [1800.0, 3600.0, 0.0]
    assert rows["wait_seconds"].to_list() == [0.0, 7200.0, 0.0]
    assert limits_detail.sizes(rows) == [3]


def test_waits_that_overlap_are_one_stretch_per_what_the_limit_counts() -> None:
    def step(run_id: str, begin: datetime, minutes: int) -> dict[str, Any]:
        return {"dag_id": "d", "run_id": run_id, "task_id": "t", "ready_at": begin,
                "queued_at": None, "started_at": begin + timedelta(minutes=minutes)}

    steps = [step("a", AT, 30), step("b", AT + timedelta(minutes=20), 30),
             step("b", AT + 2 * HOUR, 0)]
    [spans] = limits_detail.wait_spans(steps, Limit("pool", "etl"), is_by_run=False).values()
    assert spans == [(AT, AT + timedelta(minutes=50))]
    by_run = limits_detail.wait_spans(steps, Limit("max_active_tasks", "d"), is_by_run=True)
    assert [len(one) for one in by_run.values()] == [1, 1]


def test_bars_of_parts_share_one_scale_and_tell_their_sum() -> None:
    row = {"own_slower_seconds": 60.0, "waiting_slower_seconds": -30.0,
           "external_slower_seconds": 0.0, "mean_slower_seconds": 30.0}
    assert slowest_list.extent([row]) == 60.0
    bar = slowest_list.parts_bar(row, 60.0)
    assert re.findall(r"ws-p-(own|waiting|external)\" style=\"width: ([\d.]+)%", bar) == [
        ("waiting", "50.0"), ("own", "100.0")]
    assert "Mean +30 s: its own tasks +1 m 00 s; waiting between tasks −30 s" in bar  # noqa: RUF001


@pytest.mark.parametrize(("message", "line"), [
    (None, ""), ("", ""), ("\n  first\nsecond", "first"), ("one", "one")])
def test_the_first_line_that_says_something(message: str | None, line: str) -> None:
    assert imports_list.first_line(message) == line


def test_what_is_cut_says_so() -> None:
    assert list_parts.cut(3, 3, "error") == "3 errors"
    assert list_parts.cut(300, 4000, "error") == "first 300 of 4,000 errors"


@pytest.mark.parametrize("measure", ["wait_seconds", "full_seconds", "size_count"])
def test_the_history_of_a_limit_has_its_unit_and_zone(measure: str) -> None:
    rows = limits_detail.by_day(
        pl.DataFrame({"wait_date": [AT.date()], "wait_seconds": [7200.0]}),
        pl.DataFrame({"full_date": [AT.date()], "need_count": [1], "full_seconds": [600.0],
                      "highest_size_count": [4]}), AT - DAY, AT)
    spec = charts.limit_history(rows, measure, title="what", bucket=DAY, since=AT - DAY, until=AT,
                                zone=ZoneInfo("UTC"), mode="dark").to_dict()
    assert spec["encoding"]["y"]["title"] == {
        "wait_seconds": "what (h)", "full_seconds": "what (min)", "size_count": "what (count)",
    }[measure]
    assert spec["encoding"]["x"]["title"] == "UTC"


def test_a_history_of_nothing_is_still_a_chart() -> None:
    empty = pl.DataFrame(schema={"bucket_at": pl.Datetime, "wait_seconds": pl.Float64})
    spec = charts.limit_history(empty, "wait_seconds", title="what", bucket=DAY, since=AT - DAY,
                                until=AT, zone=ZoneInfo("UTC"), mode="light").to_dict()
    assert spec["encoding"]["y"]["scale"]["domain"] == [0, 1.0]


def test_use_is_drawn_by_utc_day() -> None:
    days = pl.DataFrame({"usage_date": [AT.date()], "dag_run_count": [12]})
    spec = charts.platform_usage(days, "dag_run_count", title="DAG runs", since=AT.date(),
                                 until=AT.date(), mode="light").to_dict()
    [[row]] = spec["datasets"].values()
    assert row == {"at": 983_664_000_000, "to": 983_750_400_000, "number": 12,
                   "day": "Sun 4 Mar 2001"}
    assert spec["encoding"]["y"]["title"] == "DAG runs (count)"
