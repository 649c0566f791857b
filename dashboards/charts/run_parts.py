"""Where the time of a DAG's latest runs went, a bar a run, in the order of time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme
from dashboards.charts.base import MEDIUM, dressed

SELECTION = "run"
_TICKS = 7
_GAP = 0.15
_LEAST = 20        # columns: a few runs are not drawn as walls


@dataclass(frozen=True)
class Part:
    """A part of a bar: its column (seconds), its word, and the state whose ink it has."""

    column: str
    label: str
    ink: str


DURATION = (
    Part("running", "running", "accent"), Part("waiting", "waiting", "waiting"),
    Part("external_wait", "external wait", "up_for_reschedule"),
    Part("retry_wait", "retry wait", "bad"), Part("deferred", "deferred", "deferred"))
WAITS = (
    Part("past_run_wait_seconds", "for an earlier run", "skipped"),
    Part("limit_wait_seconds", "for a limit", "upstream_failed"),
    Part("scheduler_wait_seconds", "for the scheduler", "queued"),
    Part("startup_wait_seconds", "for a worker", "waiting"),
    Part("other_wait_seconds", "cause not recorded", "scheduled"),
    Part("external_wait_seconds", "for the world", "up_for_reschedule"),
    Part("retry_wait_seconds", "for a retry", "bad"),
    Part("deferred_seconds", "deferred", "deferred"))
LANDING = (
    Part("created_late_seconds", "created late", "up_for_reschedule"),
    Part("run_queued_seconds", "queued", "waiting"),
    Part("duration_seconds", "duration", "accent"))


def _ink(part: Part, mode: theme.Mode) -> str:
    known = theme.STATES.get(part.ink)
    return known.fill(mode) if known else str(getattr(theme.PALETTES[mode], part.ink))


def unit_for(seconds: float) -> tuple[str, int]:
    """The unit in which an axis up to so many seconds reads best, and its seconds."""
    for name, size, least in (("days", 86_400, 4), ("h", 3600, 2), ("min", 60, 2)):
        if seconds >= size * least:
            return name, size
    return "s", 1


def run_parts(frame: pl.DataFrame, parts: Sequence[Part], *, usual_seconds: float | None,
              zone: ZoneInfo, mode: theme.Mode, near: datetime) -> alt.LayerChart:
    """Runs side by side, each a stack of parts; what did not succeed carries its state's sign.

    The row number of a clicked run is the selection `run`.

    Args:
        frame: run_id, state, run_kind, began_at (instant or null) and the parts' columns, oldest
            first; a null part counts as nothing.
        parts: from the ground up.
        usual_seconds: where the thin line is; None: no line.
        zone: the viewer's.
        mode: light or dark.
        near: what the data is as of (instant).
    """
    runs = list(frame.iter_rows(named=True))
    sums = [sum(run[p.column] or 0.0 for p in parts) for run in runs]
    unit, size = unit_for(max([*sums, usual_seconds or 0.0], default=0.0))
    top = max([*sums, usual_seconds or 0.0, 1.0]) / size * 1.12
    y = alt.Scale(domain=[0, top], nice=False)
    x = _axis(runs, zone, near)
    layers = [
        _bars(runs, parts, size, x).encode(
            y=alt.Y("length:Q", title=f"duration ({unit})", stack="zero", scale=y,
                    axis=alt.Axis(tickCount=4)),
            color=_color(parts, runs, mode)),
        _signs(runs, sums, size, x, mode),
        *_usual(usual_seconds, size, mode),
        _columns(runs, sums, parts, top, x, (zone, near))]
    chart: alt.LayerChart = alt.LayerChart(layer=layers, height=MEDIUM).resolve_scale(
        color="independent")
    return dressed(chart, mode)


def _axis(runs: Sequence[Mapping[str, Any]], zone: ZoneInfo, near: datetime) -> alt.X:
    step = max(1, -(-len(runs) // _TICKS))
    ticks = list(range(len(runs) - 1, -1, -step))[::-1]
    texts = {str(n): fmt.instant(runs[n]["began_at"], zone) for n in ticks}
    return alt.X("row:O", title=f"started, {fmt.zone_label(zone, near)}", sort=None,
                 scale=alt.Scale(domain=list(range(max(len(runs), _LEAST))), paddingInner=_GAP),
                 axis=alt.Axis(values=ticks, labelExpr=f"({json.dumps(texts)})[datum.value]",
                               labelAngle=0, ticks=False, labelOverlap=True))


def _color(parts: Sequence[Part], runs: Sequence[Mapping[str, Any]],
           mode: theme.Mode) -> alt.Color:
    present = [p for p in parts if any((run[p.column] or 0) > 0 for run in runs)] or parts[:1]
    return alt.Color("part:N", title=None, scale=alt.Scale(
        domain=[p.label for p in present], range=[_ink(p, mode) for p in present]),
        legend=alt.Legend(orient="top", symbolType="square", offset=4))


def _bars(runs: Sequence[Mapping[str, Any]], parts: Sequence[Part], size: int,
          x: alt.X) -> alt.Chart:
    rows = [{"row": number, "part": part.label, "rank": rank, "length": run[part.column] / size}
            for number, run in enumerate(runs) for rank, part in enumerate(parts)
            if (run[part.column] or 0) > 0]
    data = pl.DataFrame(rows, schema={
        "row": pl.Int64, "part": pl.String, "rank": pl.Int64, "length": pl.Float64})
    chart: alt.Chart = alt.Chart(data).mark_bar().encode(x=x, order=alt.Order("rank:Q"))
    return chart


def _signs(runs: Sequence[Mapping[str, Any]], sums: Sequence[float], size: int, x: alt.X,
           mode: theme.Mode) -> alt.Chart:
    rows = [{"row": number, "length": length / size, "sign": state.glyph, "ink": state.ink(mode)}
            for number, (run, length) in enumerate(zip(runs, sums, strict=True))
            if (state := theme.known(run["state"])) is not theme.STATES["success"]]
    data = pl.DataFrame(rows, schema={
        "row": pl.Int64, "length": pl.Float64, "sign": pl.String, "ink": pl.String})
    chart: alt.Chart = alt.Chart(data).mark_text(dy=-9, size=13, fontWeight=700).encode(
        x=x, y="length:Q", text="sign:N", color=alt.Color("ink:N", scale=None))
    return chart


def _usual(seconds: float | None, size: int, mode: theme.Mode) -> list[alt.Chart]:
    if seconds is None:
        return []
    line = alt.Chart(pl.DataFrame({"length": [seconds / size]})).mark_rule(
        color=theme.PALETTES[mode].text, strokeWidth=1, strokeDash=[6, 3])
    return [line.encode(y="length:Q")]


def _columns(runs: Sequence[Mapping[str, Any]], sums: Sequence[float], parts: Sequence[Part],
             top: float, x: alt.X, clock: tuple[ZoneInfo, datetime]) -> alt.Chart:
    """What is hovered and clicked: the whole height over a run, however short its bar is."""
    zone, near = clock
    rows = [{
        "row": number, "top": top, "run": fmt.visible(run["run_id"]),
        "state": theme.known(run["state"]).text, "kind": fmt.visible(run["run_kind"]),
        "began": fmt.instant(run["began_at"], zone, near=near) or "not started",
        "whole": fmt.duration(length),
        **{p.column: fmt.duration(run[p.column]) or "not known" for p in parts},
    } for number, (run, length) in enumerate(zip(runs, sums, strict=True))]
    texts = ("run", "state", "kind", "began", "whole", *(p.column for p in parts))
    data = pl.DataFrame(rows, schema={
        "row": pl.Int64, "top": pl.Float64, **dict.fromkeys(texts, pl.String)})
    tips = [alt.Tooltip("run:N"), alt.Tooltip("state:N"), alt.Tooltip("kind:N"),
            alt.Tooltip("began:N", title="started"), alt.Tooltip("whole:N", title="in all"),
            *(alt.Tooltip(f"{p.column}:N", title=p.label) for p in parts)]
    chart: alt.Chart = alt.Chart(data).mark_bar(
        opacity=0.001, cursor="pointer", width={"band": 1 / (1 - _GAP)}).encode(
        x=x, y=alt.Y("top:Q", stack=None), tooltip=tips).add_params(
        alt.selection_point(name=SELECTION, fields=["row"], on="click", clear=False))
    return chart
