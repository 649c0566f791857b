"""The pictures of the DAG and Task pages, as Vega will see them."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl
import pytest

from dashboards import charts
from dashboards.charts.run_parts import unit_for
from tests.views.snapshots import hostile_names

UTC = ZoneInfo("UTC")
AT = datetime.fromisoformat("2001-03-04T12:00")


def _spec(chart: alt.LayerChart) -> dict[str, Any]:
    return json.loads(chart.to_json())


def _data(spec: dict[str, Any], layer: int) -> list[dict[str, Any]]:
    return list(spec["datasets"][spec["layer"][layer]["data"]["name"]])


def _run(run_id: str = "r", state: str = "success", **parts: float | None) -> dict[str, Any]:
    return {"run_id": run_id, "state": state, "run_kind": "scheduled", "began_at": AT,
            **{p.column: 0.0 for p in charts.DURATION}} | parts


def _parts(*rows: dict[str, Any], usual: float | None = None) -> dict[str, Any]:
    return _spec(charts.run_parts(pl.DataFrame(list(rows)), charts.DURATION, usual_seconds=usual,
                                  zone=UTC, mode="light", near=AT))


def test_a_bar_is_as_high_as_its_run_took_and_leaves_no_part_out() -> None:
    spec = _parts(_run("a", running=3600.0, waiting=1800.0, retry_wait=5400.0),
                  _run("b", "failed", running=60.0, external_wait=None), usual=600.0)
    bars = _data(spec, 0)
    assert sum(b["length"] for b in bars if b["row"] == 0) == pytest.approx(3.0)    # hours
    assert [b["part"] for b in bars if b["row"] == 0] == ["running", "waiting", "retry wait"]
    assert spec["layer"][0]["encoding"]["y"]["title"] == "duration (h)"
    assert _data(spec, 1) == [{"row": 1, "length": pytest.approx(1 / 60), "sign": "✕",
                               "ink": "#c0241d"}]
    [hovered, _] = _data(spec, 3)
    assert (hovered["whole"], hovered["running"]) == ("3 h 00 m", "1 h 00 m")
    assert [p["name"] for p in spec["params"]] == [charts.SELECTION]


def test_a_chart_of_no_runs_is_still_a_chart() -> None:
    empty = pl.DataFrame([_run()]).clear()
    _spec(charts.run_parts(empty, charts.DURATION, usual_seconds=None, zone=UTC, mode="dark",
                           near=AT))


@pytest.mark.parametrize(("seconds", "unit"), [
    (90, "s"), (150, "min"), (7300, "h"), (86_400 * 5, "days")])
def test_the_unit_of_an_axis_keeps_its_numbers_small(seconds: float, unit: str) -> None:
    assert unit_for(seconds)[0] == unit


def _instance(number: int, **changes: Any) -> dict[str, Any]:
    return {"run_id": f"r{number}", "state": "success", "version_key": "one",
            "is_new_version": False, "began_at": AT + timedelta(hours=number),
            "shortest_seconds": 30.0, "longest_seconds": 60.0 + number, "instance_count": 2,
            "try_count": 1} | changes


def _durations(*rows: dict[str, Any], **usual: float) -> dict[str, Any]:
    schema = {"version_key": pl.String, "longest_seconds": pl.Float64,
              "shortest_seconds": pl.Float64}
    return _spec(charts.task_durations(pl.DataFrame(list(rows), schema_overrides=schema), usual,
                                       zone=UTC, mode="light", near=AT))


def test_a_point_a_run_with_the_spread_of_its_indices_and_the_usual_lines() -> None:
    spec = _durations(_instance(0), _instance(1, is_new_version=True, version_key="two"),
                      _instance(2, longest_seconds=None), median_seconds=60.0, p95_seconds=90.0)
    median, p95, version, spread = (_data(spec, n) for n in range(4))
    assert (median[0]["high"], p95[0]["high"]) == (60.0, 90.0)
    assert version[0]["version"] == "two"
    assert [(p["low"], p["high"], p["row"]) for p in spread] == [(30.0, 60.0, 0), (30.0, 61.0, 1)]
    assert spread[0]["took"] == "30 s to 1 m 00 s"
    points = spec["layer"][-1]["encoding"]
    assert points["x"]["scale"]["type"] == "utc"
    assert points["y"]["title"] == "duration (s)"
    assert "UTC" in points["x"]["title"]


def test_nothing_measured_is_still_a_chart() -> None:
    _durations(_instance(0, longest_seconds=None, version_key=None))


def test_names_of_strangers_are_data_and_visible() -> None:
    for name in hostile_names():
        for spec in (_parts(_run(name, name, running=1.0)),
                     _durations(_instance(0, run_id=name, version_key=name, is_new_version=True))):
            texts = json.dumps({k: v for k, v in spec.items() if k != "datasets"})
            assert name not in json.loads(f"[{texts}]")[0].values()
            assert "127.0.0.1:9" not in texts
            assert "\u202e" not in json.dumps(spec, ensure_ascii=False)
