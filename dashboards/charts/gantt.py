"""When the task instances of one run waited and ran."""

from datetime import datetime
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme
from dashboards.charts.base import ROW_PIXELS, between, dressed, state_color, time_axis, wall

GANTT_ROWS = 80


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
    x = time_axis("from", zoned, domain, 5)
    y = alt.Y("task:N", title=None, sort=alt.EncodingSortField("row", order="ascending"),
              axis=alt.Axis(labelLimit=230, ticks=False, domain=False))
    tooltip = [alt.Tooltip("task:N"), alt.Tooltip("state:N"),
               alt.Tooltip("span:N", title="ran"), alt.Tooltip("ran:N", title="for"),
               alt.Tooltip("waited:N", title="queued for")]
    base = alt.Chart(data)
    waiting = base.mark_bar(height={"band": 0.3}, color=theme.PALETTES[mode].waiting).encode(
        x=time_axis("queued", zoned, domain, 5), x2="from:T", y=y, tooltip=tooltip)
    running = base.mark_bar(height={"band": 0.62}, cornerRadius=1).encode(
        x=x, x2="to:T", y=y, color=state_color(data, mode, legend=False), tooltip=tooltip)
    # an instance that took no time would have no bar
    instants = base.mark_tick(height={"band": 0.62}, width=2, orient="vertical").encode(
        x=x, y=y, color=state_color(data, mode, legend=False), tooltip=tooltip)
    layers = [waiting, running, instants]
    return dressed(alt.LayerChart(layer=layers, height=alt.Step(ROW_PIXELS)), mode)


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
            "span": between(started, ended, zone) if started else "not started",
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
