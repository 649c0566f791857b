"""How long one task took in each of its runs, against what is usual."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme
from dashboards.charts.base import MEDIUM, dressed, time_axis, wall
from dashboards.charts.run_parts import SELECTION, unit_for

_SPARSE = 120       # points of full size; more are drawn smaller, so that they stay apart
_SCHEMA = {"row": pl.Int64, "at": pl.Int64, "low": pl.Float64, "high": pl.Float64,
           "run": pl.String, "state": pl.String, "began": pl.String,
           "took": pl.String, "indices": pl.String, "tries": pl.Int64, "version": pl.String,
           "sign": pl.String}


def task_durations(frame: pl.DataFrame, usual: Mapping[str, Any], *, zone: ZoneInfo,
                   mode: theme.Mode, near: datetime) -> alt.LayerChart:
    """A point a run (of a mapped task its slowest index, with a bar down to the fastest one).

    Thin lines are the usual median and the 95th percentile; a dotted upright line is where the
    DAG's version changed. The row number of a clicked point is the selection `run`.

    Args:
        frame: run_id, state, version_key, is_new_version, began_at (instant), shortest_seconds,
            longest_seconds (null: has not started, no point), instance_count, try_count; oldest
            first.
        usual: median_seconds and p95_seconds; empty when never measured.
        zone: the viewer's.
        mode: light or dark.
        near: what the data is as of (instant).
    """
    rows = list(frame.iter_rows(named=True))
    levels = [usual[name] for name in ("median_seconds", "p95_seconds") if usual.get(name)]
    longest = max([*(r["longest_seconds"] or 0.0 for r in rows), *levels, 1.0])
    unit, size = unit_for(longest)
    data = pl.DataFrame([_point(number, row, size, (zone, near))
                         for number, row in enumerate(rows)
                         if row["longest_seconds"] is not None], schema=_SCHEMA)
    instants = data["at"].to_list() or [wall(near, zone)]
    # no explicit domain: of several layers of points, Vega would put all of them at its left end
    x = time_axis("at", f"run started, {fmt.zone_label(zone, near)}",
                  [min(instants), max(instants)]).scale(type="utc", nice=False, padding=12)
    y = alt.Y("high:Q", title=f"duration ({unit})", axis=alt.Axis(tickCount=4),
              scale=alt.Scale(domain=[0, longest / size * 1.08], nice=False))
    layers = [*_levels(usual, size, mode), *_versions(rows, x, (zone, near), mode),
              *_points(data, x, y, mode)]
    return dressed(alt.LayerChart(layer=layers, height=MEDIUM), mode)


def _point(number: int, row: Mapping[str, Any], size: int,
           clock: tuple[ZoneInfo, datetime]) -> dict[str, Any]:
    zone, near = clock
    low, high = row["shortest_seconds"], row["longest_seconds"]
    state, many = theme.known(row["state"]), row["instance_count"]
    spread = f"{fmt.duration(low)} to " if many > 1 and low is not None and low != high else ""
    return {
        "row": number, "at": wall(row["began_at"], zone), "state": state.text, "sign": state.glyph,
        "low": None if low is None else low / size, "high": high / size,
        "run": fmt.visible(row["run_id"]), "tries": row["try_count"] or 0,
        "began": fmt.instant(row["began_at"], zone, near=near),
        "took": f"{spread}{fmt.duration(high)}" or "not known",
        "indices": fmt.count(many), "version": fmt.visible(fmt.shorten(
            row["version_key"] or "not recorded", 20))}


def _levels(usual: Mapping[str, Any], size: int, mode: theme.Mode) -> list[alt.Chart]:
    ink = theme.PALETTES[mode]
    lines = []
    for name, dash, color in (("median_seconds", [1, 0], ink.text),
                              ("p95_seconds", [6, 3], ink.muted)):
        if usual.get(name) is not None:
            data = pl.DataFrame({"high": [usual[name] / size]})
            lines.append(alt.Chart(data).mark_rule(
                color=color, strokeWidth=1, strokeDash=dash).encode(y="high:Q"))
    return lines


def _versions(rows: Sequence[Mapping[str, Any]], x: alt.X, clock: tuple[ZoneInfo, datetime],
              mode: theme.Mode) -> list[alt.Chart]:
    zone, near = clock
    data = pl.DataFrame([{
        "at": wall(row["began_at"], zone), "began": fmt.instant(row["began_at"], zone, near=near),
        "version": fmt.visible(fmt.shorten(row["version_key"], 20))}
        for row in rows if row["is_new_version"]],
        schema={"at": pl.Int64, "began": pl.String, "version": pl.String})
    if data.is_empty():
        return []
    return [alt.Chart(data).mark_rule(
        color=theme.PALETTES[mode].muted, strokeWidth=2, strokeDash=[2, 3]).encode(
        x=x, tooltip=[alt.Tooltip("version:N", title="new version"),
                      alt.Tooltip("began:N", title="first run")])]


def _points(data: pl.DataFrame, x: alt.X, y: alt.Y, mode: theme.Mode) -> list[alt.Chart]:
    present = [s for s in (*theme.STATES.values(), theme.NO_STATE, theme.OTHER)
               if s.text in set(data["state"])]
    color = alt.Color(
        "state:N", title=None, scale=alt.Scale(
            domain=[s.text for s in present], range=[s.fill(mode) for s in present]),
        legend=alt.Legend(orient="top", symbolType="circle", offset=4, symbolOpacity=1))
    tips = [alt.Tooltip("run:N"), alt.Tooltip("state:N"), alt.Tooltip("began:N", title="started"),
            alt.Tooltip("took:N", title="took"), alt.Tooltip("indices:N", title="instances"),
            alt.Tooltip("tries:Q"), alt.Tooltip("version:N")]
    spread = alt.Chart(data).mark_rule(strokeWidth=5, opacity=0.35).encode(
        x=x, y=y, y2="low:Q", color=color)
    failed = alt.Chart(data.filter(pl.col("state") != theme.STATES["success"].text)).mark_text(
        dy=-10, size=12, fontWeight=700).encode(x=x, y=y, text="sign:N", color=color)
    points = alt.Chart(data).mark_circle(
        size=70 if data.height <= _SPARSE else 24, opacity=1, cursor="pointer").encode(
        x=x, y=y, color=color, tooltip=tips).add_params(
        alt.selection_point(name=SELECTION, fields=["row"], on="click", clear=False))
    return [spread, failed, points]
