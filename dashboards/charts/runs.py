"""When runs started and how they ended."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme
from dashboards.charts.base import (
    MEDIUM,
    SHOWN_STATES,
    between,
    count_axis,
    dressed,
    state_color,
    time_axis,
    wall,
)


def runs_over_time(frame: pl.DataFrame, *, bucket: timedelta, until: datetime, zone: ZoneInfo,
                   mode: theme.Mode) -> alt.Chart:
    """When runs started, stacked by how they ended: what failed stands on the ground line.

    Args:
        frame: bucket_at (instant), state (text or null), run_count; a row per bucket and state.
        bucket: width of a bucket.
        until: right end, what the data is as of (instant).
        zone: the viewer's.
        mode: light or dark.
    """
    rows = [{
        "from": wall(at, zone), "to": wall(at + bucket, zone), "runs": row["run_count"],
        "state": theme.known(row["state"]).text,
        "rank": SHOWN_STATES.index(theme.known(row["state"])),
        "label": between(at, at + bucket, zone),
    } for row in frame.iter_rows(named=True) if (at := row["bucket_at"]) is not None]
    data = pl.DataFrame(rows, schema={
        "from": pl.Int64, "to": pl.Int64, "runs": pl.Int64, "state": pl.String, "rank": pl.Int64,
        "label": pl.String})
    ends = [wall(until, zone), *data["to"].to_list()]
    domain = [min([*ends, *data["from"].to_list()]), max(ends)]
    chart: alt.Chart = alt.Chart(data).mark_bar(
        orient="vertical", stroke=theme.PALETTES[mode].ground, strokeWidth=1).encode(
        x=time_axis("from", f"started, {fmt.zone_label(zone, until)}", domain),
        x2="to:T",
        y=alt.Y("runs:Q", title="runs (count)", stack="zero", axis=count_axis()),
        color=state_color(data, mode),
        order=alt.Order("rank:Q"),
        tooltip=[alt.Tooltip("label:N", title="started"), alt.Tooltip("state:N"),
                 alt.Tooltip("runs:Q", format=",")],
    ).properties(height=MEDIUM)
    return dressed(chart, mode)
