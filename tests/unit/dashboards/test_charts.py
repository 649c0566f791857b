"""Charts as Vega will see them."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl
import pytest

from dashboards import charts
from tests.views.snapshots import hostile_names

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
AT = datetime.fromisoformat("2001-03-04T12:00")
BUCKET = timedelta(minutes=10)
_TIMES = {"queued_at": pl.Datetime, "started_at": pl.Datetime, "ended_at": pl.Datetime}


def _spec(chart: alt.Chart | alt.LayerChart) -> dict[str, Any]:
    return json.loads(chart.to_json())


def _rows(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return list(spec["datasets"].values())


def _without_data(spec: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in spec.items() if k != "datasets"})


def _runs(*rows: tuple[datetime | None, str | None, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, orient="row", schema={
        "bucket_at": pl.Datetime, "state": pl.String, "run_count": pl.Int64})


def _instances(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema={
        "task_id": pl.String, "map_index": pl.Int64, "state": pl.String, **_TIMES})


def test_what_failed_stands_on_the_ground_line_and_hours_are_the_viewers() -> None:
    spec = _spec(charts.runs_over_time(
        _runs((AT - BUCKET, "success", 3), (AT - BUCKET, "failed", 1), (None, "queued", 1)),
        bucket=BUCKET, until=AT, zone=BERLIN, mode="light"))
    [rows] = _rows(spec)
    assert [r["state"] for r in sorted(rows, key=lambda r: r["rank"])] == [
        "✕ failed", "✓ success"]
    assert rows[0]["from"] == 983_710_200_000       # 12:50 in Berlin, on a scale without a zone
    assert spec["encoding"]["x"]["scale"]["type"] == "utc"
    assert spec["encoding"]["x"]["title"] == "started, Europe/Berlin (UTC+1)"
    assert spec["encoding"]["y"]["title"] == "runs (count)"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_charts_of_nothing_are_still_charts(mode: Any) -> None:
    both: dict[str, Any] = {"zone": UTC, "mode": mode}
    _spec(charts.runs_over_time(_runs(), bucket=BUCKET, until=AT, **both))
    _spec(charts.task_gantt(_instances(), until=AT, **both))
    _spec(charts.landings(
        pl.DataFrame(schema={"cluster": pl.String, "bucket_at": pl.Datetime,
                             "load_count": pl.Int64, "row_count": pl.Int64}),
        pl.DataFrame(schema={"cluster": pl.String, "failed_at": pl.Datetime}),
        bucket=BUCKET, since=AT - BUCKET, until=AT, **both))


def test_a_gantt_tells_waiting_running_and_not_started_apart() -> None:
    minute = timedelta(minutes=1)
    spec = _spec(charts.task_gantt(_instances(
        {"task_id": "a", "map_index": -1, "state": "success", "queued_at": AT - 9 * minute,
         "started_at": AT - 8 * minute, "ended_at": AT - 5 * minute},
        {"task_id": "b", "map_index": 3, "state": "running", "queued_at": None,
         "started_at": AT - 2 * minute, "ended_at": None},
        {"task_id": "c", "map_index": -1, "state": None, "queued_at": None, "started_at": None,
         "ended_at": None},
    ), until=AT, zone=UTC, mode="dark"))
    done, running, waiting = _rows(spec)[0]
    assert (done["waited"], done["ran"], done["to"] - done["from"]) == (
        "1 m 00 s", "3 m 00 s", 180_000)
    assert (running["task"], running["ran"]) == ("b [3]", "2 m 00 s")
    assert (waiting["from"], waiting["span"]) == (None, "not started")


def test_names_that_look_alike_when_short_keep_rows_of_their_own() -> None:
    spec = _spec(charts.task_gantt(_instances(*(
        {"task_id": "x" * 40 + str(n) + "x" * 40, "map_index": -1, "state": "success",
         "queued_at": None, "started_at": AT, "ended_at": AT} for n in range(3)
    )), until=AT, zone=UTC, mode="light"))
    assert len({r["task"] for r in _rows(spec)[0]}) == 3


def test_only_the_first_rows_of_a_huge_run_are_drawn() -> None:
    many = [{"task_id": f"t{n}", "map_index": -1, "state": "success", "queued_at": None,
             "started_at": AT, "ended_at": AT} for n in range(500)]
    spec = _spec(charts.task_gantt(_instances(*many), until=AT, zone=UTC, mode="light"))
    assert len(_rows(spec)[0]) == charts.GANTT_ROWS


def test_hostile_names_are_rows_never_specification() -> None:
    for name in hostile_names():
        gantt = _spec(charts.task_gantt(_instances(
            {"task_id": name, "map_index": -1, "state": name, "queued_at": AT, "started_at": AT,
             "ended_at": AT}), until=AT, zone=UTC, mode="light"))
        bars = _spec(charts.runs_over_time(_runs((AT, name, 1)), bucket=BUCKET, until=AT, zone=UTC,
                                           mode="light"))
        landed = _spec(charts.landings(
            pl.DataFrame({"cluster": [name], "bucket_at": [AT], "load_count": [1],
                          "row_count": [1]}),
            pl.DataFrame({"cluster": [name], "failed_at": [AT]}),
            bucket=BUCKET, since=AT, until=AT, zone=UTC, mode="light"))
        for spec in (gantt, bars, landed):
            assert json.dumps(name)[1:9] not in _without_data(spec)
            # an object with this field would be drawn as an image by Vega's tooltip
            assert '"image"' not in json.dumps(spec)
            assert '"href"' not in json.dumps(spec)


def test_a_strip_shows_each_duration_its_statistics_and_this_one() -> None:
    lengths = pl.DataFrame({"run_started_at": [AT, AT, AT],
                            "duration_seconds": [60.0, 180.0, 240.0]})
    spec = _spec(charts.duration_strip(lengths, 600.0, zone=UTC, mode="dark"))
    [marks] = [rows for rows in _rows(spec) if "name" in rows[0]]
    [own] = [rows for rows in _rows(spec) if len(rows) == 1]
    [ticks] = [rows for rows in _rows(spec) if len(rows) == 3]
    assert [r["value"] for r in ticks] == [1.0, 3.0, 4.0]
    assert {r["name"]: r["took"] for r in marks} == {
        "min": "1 m 00 s", "median": "3 m 00 s", "mean": "2 m 40 s", "p95": "3 m 54 s",
        "max": "4 m 00 s"}
    assert [r["value"] for r in own] == [10.0]
    assert "duration (minutes)" in json.dumps(spec)
    _spec(charts.duration_strip(lengths.head(0), None, zone=UTC, mode="light"))


def test_steps_of_the_path_are_marked_and_a_click_tells_the_row() -> None:
    rows = _instances(*({"task_id": n, "map_index": -1, "state": "success", "queued_at": None,
                         "started_at": AT, "ended_at": AT} for n in "ab"))
    spec = _spec(charts.task_gantt(
        rows.with_columns(is_on_critical_path=pl.Series([True, None])), until=AT, zone=UTC,
        mode="light", row_limit=2))
    assert [r["is_on_path"] for r in _rows(spec)[0]] == [True, False]
    assert [p["name"] for p in spec["params"]] == [charts.GANTT_PICK]
