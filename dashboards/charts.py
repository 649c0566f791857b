"""Altair charts from frames, and nothing else.

Instants arrive in UTC and are drawn on the viewer's clock: turned here into milliseconds of wall
time and put on a `utc` scale, so that no browser shifts them again. Other people's text is data
(rows), never part of a specification, and is made visible on the way.
"""

from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme

MEDIUM = 200
GANTT_ROWS = 80
_ROW = 22
_SHOWN = [*theme.STATES.values(), theme.NO_STATE, theme.OTHER]


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
        "state": theme.known(row["state"]).text, "rank": _SHOWN.index(theme.known(row["state"])),
        "label": _between(at, at + bucket, zone),
    } for row in frame.iter_rows(named=True) if (at := row["bucket_at"]) is not None]
    data = pl.DataFrame(rows, schema={
        "from": pl.Int64, "to": pl.Int64, "runs": pl.Int64, "state": pl.String, "rank": pl.Int64,
        "label": pl.String})
    ends = [wall(until, zone), *data["to"].to_list()]
    domain = [min([*ends, *data["from"].to_list()]), max(ends)]
    chart: alt.Chart = alt.Chart(data).mark_bar(
        orient="vertical", stroke=theme.PALETTES[mode].ground, strokeWidth=1).encode(
        x=_time("from", f"started, {fmt.zone_label(zone, until)}", domain),
        x2="to:T",
        y=alt.Y("runs:Q", title="runs (count)", stack="zero", axis=_count_axis()),
        color=_state_color(data, mode),
        order=alt.Order("rank:Q"),
        tooltip=[alt.Tooltip("label:N", title="started"), alt.Tooltip("state:N"),
                 alt.Tooltip("runs:Q", format=",")],
    ).properties(height=MEDIUM)
    return _dressed(chart, mode)


def task_gantt(frame: pl.DataFrame, *, until: datetime, zone: ZoneInfo,
               mode: theme.Mode) -> alt.LayerChart:
    """When the task instances of one run waited (pale) and ran (in their state's colour).

    Args:
        frame: task_id, map_index, state, queued_at, started_at, ended_at (instants or null), in
            the order to draw; the first GANTT_ROWS are drawn.
        until: end of what still runs (instant).
        zone: the viewer's.
        mode: light or dark.
    """
    data = _gantt_rows(frame, until, zone)
    ends = [*data["to"].drop_nulls().to_list(), *data["from"].drop_nulls().to_list()]
    begins = [*data["queued"].drop_nulls().to_list(), *ends]
    domain = [min(begins), max(ends)] if ends else [wall(until, zone) - 60_000, wall(until, zone)]
    zoned = fmt.zone_label(zone, until)
    x = _time("from", zoned, domain, 5)
    y = alt.Y("task:N", title=None, sort=alt.EncodingSortField("row", order="ascending"),
              axis=alt.Axis(labelLimit=230, ticks=False, domain=False))
    tooltip = [alt.Tooltip("task:N"), alt.Tooltip("state:N"),
               alt.Tooltip("span:N", title="ran"), alt.Tooltip("ran:N", title="for"),
               alt.Tooltip("waited:N", title="queued for")]
    base = alt.Chart(data)
    waiting = base.mark_bar(height={"band": 0.3}, color=theme.PALETTES[mode].waiting).encode(
        x=_time("queued", zoned, domain, 5), x2="from:T", y=y, tooltip=tooltip)
    running = base.mark_bar(height={"band": 0.62}, cornerRadius=1).encode(
        x=x, x2="to:T", y=y, color=_state_color(data, mode, legend=False), tooltip=tooltip)
    # an instance that took no time would have no bar
    instants = base.mark_tick(height={"band": 0.62}, width=2, orient="vertical").encode(
        x=x, y=y, color=_state_color(data, mode, legend=False), tooltip=tooltip)
    layers = [waiting, running, instants]
    return _dressed(alt.LayerChart(layer=layers, height=alt.Step(_ROW)), mode)


def landings(frame: pl.DataFrame, failures: pl.DataFrame, *, bucket: timedelta, since: datetime,
             until: datetime, zone: ZoneInfo, mode: theme.Mode) -> alt.LayerChart:
    """When each cluster was landed, and where a landing failed.

    Args:
        frame: cluster, bucket_at (instant), load_count, row_count; a row per cluster and bucket.
        failures: cluster, failed_at (instant); those before `since` are left out.
        bucket: width of a bucket.
        since: left end (instant).
        until: right end (instant).
        zone: the viewer's.
        mode: light or dark.
    """
    good = pl.DataFrame([{
        "cluster": _short(r["cluster"]), "at": wall(r["bucket_at"], zone),
        "to": wall(r["bucket_at"] + bucket, zone), "loads": r["load_count"],
        "rows": r["row_count"], "label": _between(r["bucket_at"], r["bucket_at"] + bucket, zone),
    } for r in frame.iter_rows(named=True)], schema={
        "cluster": pl.String, "at": pl.Int64, "to": pl.Int64, "loads": pl.Int64, "rows": pl.Int64,
        "label": pl.String})
    bad = pl.DataFrame([{
        "cluster": _short(r["cluster"]), "at": wall(r["failed_at"], zone),
        "label": fmt.instant(r["failed_at"], zone), "what": "failed landing",
    } for r in failures.iter_rows(named=True) if r["failed_at"] >= since], schema={
        "cluster": pl.String, "at": pl.Int64, "label": pl.String, "what": pl.String})
    palette = theme.PALETTES[mode]
    domain = [wall(since, zone), wall(until + bucket, zone)]
    x = _time("at", f"landed, {fmt.zone_label(zone, until)}", domain)
    y = alt.Y("cluster:N", title=None, axis=alt.Axis(labelLimit=230, ticks=False, domain=False))
    landed = alt.Chart(good).mark_bar(height={"band": 0.5}, color=palette.accent).encode(
        x=x, x2="to:T", y=y, tooltip=[
            alt.Tooltip("cluster:N"), alt.Tooltip("label:N", title="landed"),
            alt.Tooltip("loads:Q", format=","), alt.Tooltip("rows:Q", format=",")])
    failed = alt.Chart(bad).mark_text(text="✕", size=14, color=palette.bad, fontWeight=700).encode(
        x=x, y=y, tooltip=[alt.Tooltip("cluster:N"), alt.Tooltip("what:N"),
                           alt.Tooltip("label:N", title="at")])
    return _dressed(alt.LayerChart(layer=[landed, failed], height=alt.Step(_ROW)), mode)


def wall(at: datetime, zone: ZoneInfo) -> int:
    """An instant (UTC, naive) as milliseconds on the viewer's clock, for a `utc` scale."""
    return round(fmt.local(at, zone).replace(tzinfo=UTC).timestamp() * 1000)


def _gantt_rows(frame: pl.DataFrame, until: datetime, zone: ZoneInfo) -> pl.DataFrame:
    rows, seen = [], dict[str, int]()
    for number, row in enumerate(frame.head(GANTT_ROWS).iter_rows(named=True)):
        queued, started = row["queued_at"], row["started_at"]
        ended = row["ended_at"] or (until if row["state"] == "running" else started)
        name = _task_name(row["task_id"], row["map_index"])
        seen[name] = seen.get(name, 0) + 1
        rows.append({
            "row": number, "task": name if seen[name] == 1 else f"{name} ({seen[name]})",
            "state": theme.known(row["state"]).text,
            "queued": wall(queued, zone) if queued and started and queued < started else None,
            "from": wall(started, zone) if started else None,
            "to": wall(max(started, ended), zone) if started else None,
            "span": _between(started, ended, zone) if started else "not started",
            "ran": fmt.duration((ended - started).total_seconds()) if started else "",
            "waited": fmt.duration((started - queued).total_seconds())
            if queued and started else "",
        })
    return pl.DataFrame(rows, schema={
        "row": pl.Int64, "task": pl.String, "state": pl.String, "queued": pl.Int64,
        "from": pl.Int64, "to": pl.Int64, "span": pl.String, "ran": pl.String,
        "waited": pl.String})


def _task_name(task_id: str, map_index: int) -> str:
    """Short enough for an axis; both ends of the id stay."""
    name = fmt.shorten(fmt.visible(task_id), 34)
    return name if map_index < 0 else f"{name} [{map_index}]"


def _short(text: str) -> str:
    return fmt.shorten(fmt.visible(text), 34)


def _between(begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    first, last = fmt.instant(begin, zone), fmt.instant(end, zone)
    same_day = fmt.local(begin, zone).date() == fmt.local(end, zone).date()
    return f"{first} \N{EN DASH} {last[-5:] if same_day else last}"


def _time(column: str, title: str, domain: list[int], ticks: int = 8) -> alt.X:
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


def _dressed(chart: C, mode: theme.Mode) -> C:
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


def _count_axis() -> alt.Axis:
    return alt.Axis(tickMinStep=1, tickCount=4, format="~s")


def _state_color(data: pl.DataFrame, mode: theme.Mode, *, legend: bool = True) -> alt.Color:
    present = set(data["state"].to_list())
    states = [s for s in _SHOWN if s.text in present]
    return alt.Color(
        "state:N", title=None,
        scale=alt.Scale(domain=[s.text for s in states], range=[s.fill(mode) for s in states]),
        legend=alt.Legend(orient="top", symbolType="square", offset=4) if legend else None)
