"""One measure of what Airflow was used for, by day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import theme
from dashboards.charts.base import MEDIUM, above, dressed, time_axis, wall

DAY = timedelta(days=1)


def platform_usage(frame: pl.DataFrame, measure: str, *, title: str, since: date, until: date,
                   mode: theme.Mode) -> alt.Chart:
    """A bar a day (UTC); one of several charts side by side with the same days.

    Args:
        frame: usage_date and the measure, whole things; a row a day, days of nothing left out.
        measure: the column that is drawn.
        title: what is counted.
        since: the first day.
        until: the last day.
        mode: light or dark.
    """
    data = pl.DataFrame([{
        "at": _wall(row["usage_date"]), "to": _wall(row["usage_date"] + DAY),
        "number": int(row[measure] or 0), "day": f"{row['usage_date']:%a} {row['usage_date'].day} "
        f"{row['usage_date']:%b %Y}"} for row in frame.iter_rows(named=True)],
        schema={"at": pl.Int64, "to": pl.Int64, "number": pl.Int64, "day": pl.String})
    ink = theme.PALETTES[mode]
    chart: alt.Chart = alt.Chart(data).mark_bar(
        orient="vertical", color=ink.accent, stroke=ink.ground, strokeWidth=1).encode(
        x=time_axis("at", "day (UTC)", [_wall(since), _wall(until + DAY)], ticks=4), x2="to:T",
        y=alt.Y("number:Q", title=f"{title} (count)",
                axis=above(tickMinStep=1, tickCount=3, format="~s")),
        tooltip=[alt.Tooltip("day:N"), alt.Tooltip("number:Q", title=title, format=",")],
    ).properties(height=MEDIUM)
    return dressed(chart, mode)


def _wall(day: date) -> int:
    return wall(datetime(day.year, day.month, day.day, tzinfo=UTC).replace(tzinfo=None),
                ZoneInfo("UTC"))
