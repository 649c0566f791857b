"""When one limit was full, what it cost then, and how large it was."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme
from dashboards.charts.base import MEDIUM, above, between, dressed, time_axis, wall
from dashboards.charts.run_parts import unit_for

_SCHEMA = {"at": pl.Int64, "to": pl.Int64, "value": pl.Float64, "said": pl.String,
           "label": pl.String}


def limit_history(rows: pl.DataFrame, measure: str, *, title: str, bucket: timedelta,
                  since: datetime, until: datetime, zone: ZoneInfo,
                  mode: theme.Mode) -> alt.Chart:
    """One measure of a limit by hour or day, as bars; hovering says it exactly.

    Args:
        rows: bucket_at (instant) and the measure, seconds (`…_seconds`) or whole things.
        measure: the column that is drawn.
        title: what it is, without its unit.
        bucket: width of a bucket.
        since: left end (instant).
        until: right end (instant).
        zone: in which the axis is; whole days begin at midnight there.
        mode: light or dark.
    """
    is_time = measure.endswith("_seconds")
    found = [(row["bucket_at"], float(row[measure])) for row in rows.iter_rows(named=True)
             if row[measure] is not None]
    unit, size = unit_for(max([value for _, value in found], default=60.0)) if is_time else ("", 1)
    data = pl.DataFrame([{
        "at": wall(at, zone), "to": wall(at + bucket, zone), "value": value / size,
        "said": fmt.duration(value) if is_time else fmt.count(round(value)),
        "label": between(at, at + bucket, zone)} for at, value in found], schema=_SCHEMA)
    ink = theme.PALETTES[mode]
    domain = [wall(since, zone), max(wall(until, zone), *data["to"].to_list(), 0)]
    chart: alt.Chart = alt.Chart(data).mark_bar(
        orient="vertical", stroke=ink.ground, strokeWidth=1,
        color=ink.accent if measure == "wait_seconds" else ink.muted).encode(
        x=time_axis("at", fmt.zone_label(zone, until), domain, ticks=6), x2="to:T",
        y=alt.Y("value:Q", title=f"{title} ({unit or 'count'})", axis=above(tickCount=3),
                scale=alt.Scale(domain=[0, max(1.0, *data["value"].to_list(), 0.0)])),
        tooltip=[alt.Tooltip("label:N", title="when"), alt.Tooltip("said:N", title=title)],
    ).properties(height=MEDIUM)
    return dressed(chart, mode)
