"""When the task instances of one run waited and ran."""

from datetime import datetime
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme
from dashboards.charts.base import ROW_PIXELS, between, dressed, state_color, time_axis, wall

GANTT_ROWS = 80
GANTT_PICK = "picked"       # a click on a bar selects its `row` under this name


def task_gantt(frame: pl.DataFrame, *, until: datetime, zone: ZoneInfo, mode: theme.Mode,
               row_limit: int = GANTT_ROWS) -> alt.LayerChart:
    """When the task instances of one run waited (pale) and ran (in their state's colour).

    Args:
        frame: task_id, map_index, state, queued_at, started_at, ended_at (instants or null), in
            the order to draw; where it has is_on_critical_path, those are outlined in the accent.
        until: end of what still runs (instant).
        zone: the viewer's.
        mode: light or dark.
        row_limit: so many are drawn, the first ones.
    """
    data = _gantt_rows(frame.head(row_limit), until, zone)
    ends = [*data["to"].drop_nulls().to_list(), *data["from"].drop_nulls().to_list()]
    begins = [*data["queued"].drop_nulls().to_list(), *ends]
    domain = [min(begins), max(ends)] if ends else [wall(until, zone) - 60_000, wall(until, zone)]
    zoned = fmt.zone_label(zone, until)
    return _layered(data, [time_axis(column, zoned, domain, 5) for column in ("from", "queued")],
                    mode)


def _layered(data: pl.DataFrame, axes: list[alt.X], mode: theme.Mode) -> alt.LayerChart:
    """Bars that wait, bars that run, and ticks for what took no time."""
    ink = theme.PALETTES[mode]
    x, queued = axes
    for axis in axes:
        axis["axis"]["orient"] = "top"      # in sight, also when the chart scrolls
    y = alt.Y("task:N", title=None, sort=alt.EncodingSortField("row", order="ascending"),
              axis=alt.Axis(labelLimit=230, ticks=False, domain=False))
    tooltip = [alt.Tooltip("task:N"), alt.Tooltip("state:N"),
               alt.Tooltip("span:N", title="ran"), alt.Tooltip("ran:N", title="for"),
               alt.Tooltip("waited:N", title="queued for"),
               alt.Tooltip("is_on_path:N", title="on the path")]
    accent = {"stroke": alt.when("datum.is_on_path").then(alt.value(ink.accent)).otherwise(
        alt.value("transparent")), "strokeWidth": alt.value(2)}
    color = state_color(data, mode, legend=False)
    base = alt.Chart(data)
    waiting = base.mark_bar(height={"band": 0.3}, color=ink.waiting).encode(
        x=queued, x2="from:T", y=y, tooltip=tooltip)
    running = base.mark_bar(height={"band": 0.62}, cornerRadius=1).encode(
        x=x, x2="to:T", y=y, color=color, tooltip=tooltip, **accent).add_params(
        alt.selection_point(name=GANTT_PICK, fields=["row"], empty=False))
    # an instance that took no time would have no bar
    instants = base.mark_tick(height={"band": 0.62}, width=2, orient="vertical").encode(
        x=x, y=y, color=color, tooltip=tooltip)
    layers = [waiting, running, instants]
    return dressed(alt.LayerChart(layer=layers, height=alt.Step(ROW_PIXELS)), mode)


def _gantt_rows(frame: pl.DataFrame, until: datetime, zone: ZoneInfo) -> pl.DataFrame:
    rows, seen = [], dict[str, int]()
    for number, row in enumerate(frame.iter_rows(named=True)):
        queued, started = row["queued_at"], row["started_at"]
        ended = row["ended_at"] or (until if row["state"] == "running" else started)
        name = _task_name(row["task_id"], row["map_index"])
        seen[name] = seen.get(name, 0) + 1
        rows.append({
            "is_on_path": bool(row.get("is_on_critical_path")), "row": number,
            "task": name if seen[name] == 1 else f"{name} ({seen[name]})",
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
        "is_on_path": pl.Boolean, "row": pl.Int64, "task": pl.String, "state": pl.String,
        "queued": pl.Int64, "from": pl.Int64, "to": pl.Int64, "span": pl.String,
        "ran": pl.String, "waited": pl.String})


def _task_name(task_id: str, map_index: int) -> str:
    """Short enough for an axis; both ends of the id stay."""
    name = fmt.shorten(fmt.visible(task_id), 34)
    return name if map_index < 0 else f"{name} [{map_index}]"
