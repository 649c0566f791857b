"""What every chart shares: the look, axes of time on the viewer's clock, colours of states.

Instants arrive in UTC and are drawn on the viewer's clock: turned here into milliseconds of wall
time and put on a `utc` scale, so that no browser shifts them again. Other people's text is data
(rows), never part of a specification, and is made visible on the way.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme

# A chart is as high as one of these, or a row for each of its things.
SMALL, MEDIUM, LARGE = 120, 200, 320
ROW_PIXELS = 22
SHOWN_STATES = [*theme.STATES.values(), theme.NO_STATE, theme.OTHER]


def wall(at: datetime, zone: ZoneInfo) -> int:
    """An instant (UTC, naive) as milliseconds on the viewer's clock, for a `utc` scale."""
    return round(fmt.local(at, zone).replace(tzinfo=UTC).timestamp() * 1000)


def short(text: str) -> str:
    """A name short enough for an axis, both of its ends kept."""
    return fmt.shorten(fmt.visible(text), 34)


def between(begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    """A stretch of time in words, the day once."""
    first, last = fmt.instant(begin, zone), fmt.instant(end, zone)
    same_day = fmt.local(begin, zone).date() == fmt.local(end, zone).date()
    return f"{first} \N{EN DASH} {last[-5:] if same_day else last}"


def time_axis(column: str, title: str, domain: list[int], ticks: int = 8) -> alt.X:
    """A wall-clock axis: seconds within minutes, hours within two days, else days."""
    width = timedelta(milliseconds=domain[1] - domain[0])
    crosses = domain[0] // 86_400_000 != domain[1] // 86_400_000
    if width < timedelta(minutes=8):
        labels = "%H:%M:%S"
    elif width <= timedelta(days=2):
        labels = "%a %H:%M" if crosses else "%H:%M"
    else:
        labels = "%-d %b"
    return alt.X(f"{column}:T", title=title, axis=alt.Axis(
        format=labels, tickCount=ticks, labelOverlap=True, grid=False),
        scale=alt.Scale(type="utc", domain=domain, nice=False))


C = TypeVar("C", alt.Chart, alt.LayerChart)


def dressed(chart: C, mode: theme.Mode) -> C:
    """The look of every chart: quiet axes, no frame, the page's ground."""
    ink = theme.PALETTES[mode]
    font = "Source Sans, sans-serif"
    dressed: C = chart.configure(
        background="transparent", font=font, view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=ink.muted, titleColor=ink.muted, labelFontSize=12, titleFontSize=12,
            titleFontWeight="normal", gridColor=ink.line, domainColor=ink.line,
            tickColor=ink.line, labelPadding=6, titlePadding=8),
        legend=alt.LegendConfig(
            labelColor=ink.text, labelFontSize=13, symbolSize=110, columnPadding=20, padding=0))
    return dressed


def count_axis() -> alt.Axis:
    """An axis of whole things."""
    return alt.Axis(tickMinStep=1, tickCount=4, format="~s")


def above(**options: Any) -> alt.Axis:
    """An upright axis whose title stands level above it, for charts too low to turn it."""
    return alt.Axis(titleAngle=0, titleAlign="left", titleAnchor="end", titleX=0, titleY=-8,
                    **options)


def state_color(data: pl.DataFrame, mode: theme.Mode, *, legend: bool = True) -> alt.Color:
    """Colour by the column `state`, whose texts are those of the theme's states."""
    present = set(data["state"].to_list())
    states = [s for s in SHOWN_STATES if s.text in present]
    return alt.Color(
        "state:N", title=None,
        scale=alt.Scale(domain=[s.text for s in states], range=[s.fill(mode) for s in states]),
        legend=alt.Legend(orient="top", symbolType="square", offset=4) if legend else None)
