"""One run: how it ended, when its task instances ran, and a table of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from dashboards import charts, frame, markup, tables, theme
from dashboards import format as fmt

INSTANCE_LIMIT = 500
_HEIGHT = 300
_ROWS_WITHIN = 7


def draw(page: frame.Page, key: tuple[str, str, str], as_of: datetime, *,
         on_close: Callable[[], None]) -> None:
    """The panel of the run that the URL names."""
    named = dict(zip(("cluster", "dag_id", "run_id"), key, strict=True))
    run = page.reader.row("runs__chosen_run", **named)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center",
                          horizontal_alignment="distribute"):
            frame.say('<div class="ws-crumbs"><span class="ws-id">{cluster}</span> / '
                      '<b class="ws-id">{dag}</b> / <span class="ws-id">{run}</span></div>',
                      cluster=key[0], dag=key[1], run=key[2])
            st.button("Back to all runs", key="runs_close", on_click=on_close,
                      icon=":material/close:", type="tertiary")
        if run is None:
            frame.say('<div class="ws-answer">No such run is in the warehouse. It may have been '
                      "renamed, or the link is of another one.</div>")
            return
        states = page.reader.rows("runs__task_states", **named)
        _sentence(page, run, states, as_of)
        instances = page.reader.rows("runs__task_instances", **named, row_limit=INSTANCE_LIMIT)
        if instances.is_empty():
            frame.say('<div class="ws-under">It has no task instances: Airflow creates them when '
                      "a run starts.</div>")
            return
        _evidence(page, instances, int(states["instance_count"].sum()), as_of)


def _sentence(page: frame.Page, run: dict[str, Any], states: pl.DataFrame,
              as_of: datetime) -> None:
    state = theme.state(run["state"])
    tasks = [markup.write("{glyph} {n} {verb}", glyph=one.glyph, n=fmt.count(n), verb=one.verb)
             for one, n in theme.tally(states.select("state", "instance_count").iter_rows())]
    frame.say(
        '<div class="ws-answer"><b style="color: {ink}">{state}</b>{how}</div>'
        '<div class="ws-under">{kind} run · started {started} · ended {ended} · '
        "task instances: {tasks}{gone}</div>",
        ink=state.ink(page.mode), state=f"{state.glyph} {state.verb.capitalize()}",
        how=_how_long(run, as_of),
        kind=run["run_kind"], started=page.moment(run["started_at"], "not yet"),
        ended=page.moment(run["ended_at"], "not yet"),
        tasks=markup.joined(tasks) or "none",
        gone=" · since deleted in Airflow" if run["deleted_at"] else "")


def _how_long(run: dict[str, Any], as_of: datetime) -> str:
    if run["duration_seconds"] is not None:
        return f" after {fmt.duration(run['duration_seconds'])}"
    if run["started_at"] is not None:
        return f" for {fmt.duration(fmt.seconds(run['started_at'], as_of))} so far"
    return ", not started"


def _evidence(page: frame.Page, instances: pl.DataFrame, total: int, as_of: datetime) -> None:
    is_tall = instances.height > _ROWS_WITHIN
    left, right = st.columns([1, 1], gap="medium")
    with left:
        drawn = min(instances.height, charts.GANTT_ROWS)
        with frame.section("When they ran <span>pale: queued · {drawn} of {all}</span>",
                           drawn=fmt.count(drawn), all=fmt.count(total, "task instance")), \
                st.container(height=_HEIGHT if is_tall else "content", border=False):
            st.altair_chart(charts.task_gantt(instances, until=as_of, zone=page.zone,
                                              mode=page.mode), width="stretch", theme=None)
    with right, frame.section(
            "Task instances <span>{shown} of {all}, first started first</span>",
            shown=fmt.count(instances.height), all=fmt.count(total)):
        st.dataframe(
            tables.task_instances(instances, as_of=as_of, zone=page.zone, mode=page.mode),
            key="runs_instances", hide_index=True, placeholder="",
            height=_HEIGHT if is_tall else "auto", column_order=_columns(instances),
            column_config={
                "State": st.column_config.TextColumn(width=110),
                "Task": st.column_config.TextColumn(width=180),
                "Index": st.column_config.Column(width=60, alignment="right"),
                "Started": st.column_config.Column(width=130),
                "Duration": st.column_config.Column(width=90, alignment="right"),
            })


def _columns(instances: pl.DataFrame) -> list[str]:
    """The index of mapped tasks only where there are any."""
    is_mapped = bool((instances["map_index"] >= 0).any())
    index = ["Index"] if is_mapped else []
    return ["State", "Task", *index, "Duration", "Started", "Operator", "Pool"]
