"""Every task instance of the run: as a table, and when each waited and ran.

    instances (the path first, then the longest)  ->  table, sorted by the URL  ·  gantt, clickable
"""

from typing import Any

import polars as pl
import streamlit as st

from dashboards import charts, frame, html_tables, theme
from dashboards import format as fmt
from dashboards.markup import Markup, write
from dashboards.panels.run_data import SHOWN, Subject
from dashboards.panels.run_sentence import basis
from dashboards.panels.run_terms import Row

MOST_ROWS = 1000
_HEIGHT = 560
_ROWS_WITHIN = 22
_DEFAULT = html_tables.Order("started_at", False)



def table(subject: Subject, sort: str, chosen: tuple[str, int] | None) -> None:
    """The view `tasks`."""
    rows = _measured(subject)
    columns = _columns(subject)
    order = html_tables.order_of(sort, columns, _DEFAULT)
    shown = html_tables.in_order(rows, order).head(SHOWN)
    with frame.section(
            "{shown} of {all} <span>{hint}</span>", shown=fmt.count(shown.height),
            all=fmt.count(sum(subject.states.values()), "task instance"),
            hint="choose one to see its tries and what it waited for" if rows.height <= SHOWN
            else f"first {SHOWN} in this order; sort by another column to see others"):
        frame.say("{table}", table=html_tables.table(
            shown.iter_rows(named=True), columns, label="Task instances", order=order,
            query={**subject.named, "view": "tasks"},
            chosen=lambda r: chosen == (r["task_id"], r["map_index"])))


def _measured(subject: Subject) -> pl.DataFrame:
    """The instances with how long they were queued and how their time compares."""
    usual = pl.DataFrame(
        [{"task_id": task, "usual_seconds": row["median_seconds"]}
         for task, row in subject.usual_tasks.items()],
        schema={"task_id": pl.String, "usual_seconds": pl.Float64})
    queued = (pl.col("started_at") - pl.col("queued_at")).dt.total_microseconds() / 1e6
    return subject.instances.join(usual, on="task_id", how="left", maintain_order="left"
                                  ).with_columns(
        queued_seconds=pl.when(queued >= 0).then(queued),
        more_seconds=pl.col("duration_seconds") - pl.col("usual_seconds"))


def _columns(subject: Subject) -> list[html_tables.Column]:
    column, page = html_tables.Column, subject.page
    return [
        column("Task", lambda r: subject.task_link(r["task_id"], r["map_index"], view="tasks"),
               sort="task_id"),
        column("State", lambda r: _state(r, page.mode), sort="state", width="6rem"),
        column("Path", lambda r: write('<span title="On the path">●</span>')
               if r["is_on_critical_path"] else "", sort="is_on_critical_path"),
        column("Started", lambda r: page.moment(r["started_at"], "not started"),
               sort="started_at", width="8rem"),
        column("Queued", lambda r: fmt.duration(r["queued_seconds"]), "right", "queued_seconds",
               "From queued to started, of its last try"),
        column("Ran", lambda r: _seconds(r["duration_seconds"]), "right", "duration_seconds",
               "Its last try, from start to end"),
        column("Usually", lambda r: _usual(subject, r), "right", "usual_seconds",
               "Median of its latest 30 successes"),
        column("More than usual", lambda r: _more(r["more_seconds"]), "right", "more_seconds"),
        column("Tries", lambda r: fmt.count(r["try_count"] or 0), "right", "try_count"),
        column("Pool", lambda r: _id(r["pool"]), sort="pool"),
        column("Operator", lambda r: _id(r["operator"]), sort="operator"),
    ]


def _id(name: str | None) -> Markup:
    return write('<span class="ws-id">{name}</span>', name=name) if name else Markup("")


def _state(row: Row, mode: theme.Mode) -> Markup:
    one = theme.state(row["state"])
    return write('<span style="color: {ink}">{text}</span>', ink=one.ink(mode), text=one.text)


def _seconds(seconds: float | None) -> Markup | str:
    if seconds is None:
        return ""
    return write('<span title="{exact} s">{text}</span>', exact=f"{seconds:,.3f}",
                 text=fmt.duration(seconds))


def _usual(subject: Subject, row: Row) -> Markup | str:
    usual = subject.usual_tasks.get(row["task_id"])
    if not usual or usual["median_seconds"] is None:
        return ""
    return write('<span title="{basis}">{text}</span>', basis=basis(usual),
                 text=fmt.duration(usual["median_seconds"]))


def _more(seconds: float | None) -> str:
    if seconds is None or seconds <= 0:
        return ""
    return f"+{fmt.duration(seconds)}"


def gantt(subject: Subject, *, is_all: bool) -> None:
    """The view `gantt`: the path and the longest, or all."""
    limit = MOST_ROWS if is_all else charts.GANTT_ROWS
    drawn = subject.instances.head(limit).sort(
        "started_at", "task_id", "map_index", nulls_last=True)
    total = sum(subject.states.values())
    keys = drawn.select("task_id", "map_index").rows()
    with frame.section(
            "{shown} of {all} <span>in their state's colour; pale: queued; outlined: on the path; "
            "click one to see more. {more}</span>", shown=fmt.count(len(keys)),
            all=fmt.count(total, "task instance"),
            more=_more_link(subject, total, is_all=is_all)), \
            st.container(height=_HEIGHT if len(keys) > _ROWS_WITHIN else "content", border=False):
        st.altair_chart(
            charts.task_gantt(drawn, until=subject.run["ended_at"] or subject.as_of,
                              zone=subject.page.zone, mode=subject.page.mode, row_limit=limit),
            width="stretch", theme=None, key="run_gantt", selection_mode=charts.GANTT_PICK,
            on_select=lambda: _pick(keys),
            alt=f"Gantt chart of {len(keys)} task instances; the view Tasks has them as a table")


def _more_link(subject: Subject, total: int, *, is_all: bool) -> Markup:
    if total <= charts.GANTT_ROWS:
        return Markup("")
    text = "Show the path and the longest" if is_all else \
        f"Show {'all' if total <= MOST_ROWS else fmt.count(MOST_ROWS)}"
    return subject.link(text, view="gantt", shown=None if is_all else "all")


def _pick(keys: list[tuple[str, int]]) -> None:
    """A click on a bar opens its panel by the URL."""
    state: Any = st.session_state.get("run_gantt")
    rows = (state or {}).get("selection", {}).get(charts.GANTT_PICK) or []
    number = rows[0].get("row") if rows else None
    if isinstance(number, int) and 0 <= number < len(keys):
        task_id, map_index = keys[number]
        st.query_params["task_id"] = task_id
        if map_index >= 0:
            st.query_params["map_index"] = str(map_index)
        else:
            st.query_params.pop("map_index", None)
