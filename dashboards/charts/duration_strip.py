"""One duration among its latest ones."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme
from dashboards.charts.base import SMALL, dressed

_UNITS = ((2 * 86_400, 86_400.0, "days"), (2 * 3600, 3600.0, "hours"), (120, 60.0, "minutes"))


def duration_strip(frame: pl.DataFrame, mine: float | None, *, zone: ZoneInfo,
                   mode: theme.Mode) -> alt.LayerChart:
    """Each of the latest durations as a tick, their statistics as marks, this one as a point.

    Args:
        frame: run_started_at (instant), duration_seconds: the latest ones, without this one.
        mine: this one's seconds; None: it has no duration yet.
        zone: the viewer's.
        mode: light or dark.
    """
    lengths = frame["duration_seconds"].drop_nulls()
    longest = max([*lengths.to_list(), mine or 0.0], default=0.0)
    size, unit = next(((s, u) for least, s, u in _UNITS if longest >= least), (1.0, "seconds"))
    x = alt.X("value:Q", title=f"duration ({unit})",
              scale=alt.Scale(domain=[0, max(longest / size * 1.05, 0.001)], nice=False),
              axis=alt.Axis(grid=False, tickCount=8))
    ink = theme.PALETTES[mode]
    ticks, marks, own = _rows(frame, mine, size, zone)
    tooltip = [alt.Tooltip("run:N", title="run of"), alt.Tooltip("took:N", title="took")]
    level = alt.Scale(domain=[0, 1])    # a height without a meaning
    y = alt.YDatum(0.3, axis=None, scale=level)
    named = ["name:N", alt.Tooltip("took:N")]
    layers = [
        alt.Chart(ticks).mark_tick(color=ink.muted, thickness=2, size=22, opacity=0.7).encode(
            x=x, y=y, tooltip=tooltip),
        alt.Chart(marks).mark_tick(color=ink.text, thickness=1, size=30).encode(
            x=x, y=y, tooltip=named),
        alt.Chart(marks).mark_text(color=ink.muted, fontSize=11, baseline="bottom").encode(
            x=x, y=alt.Y("line:Q", axis=None, scale=level), text="name:N", tooltip=named),
        alt.Chart(own).mark_point(color=ink.accent, fill=ink.accent, size=120, shape="diamond",
                                  opacity=1).encode(x=x, y=y, tooltip=tooltip),
    ]
    return dressed(alt.LayerChart(layer=layers, height=SMALL), mode)


def _rows(frame: pl.DataFrame, mine: float | None, size: float, zone: ZoneInfo,
          ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Earlier durations, their statistics, and this one, in the axis' unit."""
    drawn = {"value": pl.Float64, "took": pl.String, "run": pl.String}
    ticks = pl.DataFrame([{
        "value": r["duration_seconds"] / size, "took": fmt.duration(r["duration_seconds"]),
        "run": fmt.instant(r["run_started_at"], zone) or "an unknown time"}
        for r in frame.iter_rows(named=True)], schema=drawn)
    marks = pl.DataFrame([
        {"value": seconds / size, "name": name, "took": fmt.duration(seconds),
         "line": 0.62 + 0.2 * (number % 2)}
        for number, (name, seconds) in enumerate(
            statistics(frame["duration_seconds"].drop_nulls()).items())],
        schema={"value": pl.Float64, "name": pl.String, "took": pl.String, "line": pl.Float64})
    own = pl.DataFrame([] if mine is None else [
        {"value": mine / size, "took": fmt.duration(mine), "run": "this one"}], schema=drawn)
    return ticks, marks, own


def statistics(lengths: pl.Series) -> Mapping[str, Any]:
    """Minimum, median, mean, 95th percentile and maximum; empty of nothing."""
    if lengths.is_empty():
        return {}
    return {"min": lengths.min(), "median": lengths.median(), "mean": lengths.mean(),
             "p95": lengths.quantile(0.95, "linear"), "max": lengths.max()}
