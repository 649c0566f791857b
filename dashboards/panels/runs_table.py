"""The rows of the Runs page: each run with its state, times and a link to its page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, html_tables, links, theme
from dashboards.markup import Markup, write

Row = Mapping[str, Any]
_GOING_ON = ("running", "deferred")


def table(page: frame.Page, rows: pl.DataFrame, as_of: datetime) -> Markup:
    """The runs of a `runs__newest` or `runs__longest` frame, a row each, in its order."""
    column = html_tables.Column
    columns = [
        column("DAG", lambda r: links.link("dag", r["dag_id"], is_id=True, cluster=r["cluster"],
                                           dag_id=r["dag_id"])),
        column("State", lambda r: _state(r, page.mode), width="6rem"),
        column("Run", lambda r: links.link(
            "run", r["run_id"], is_id=True, hint="Why did it take as long as it did?",
            cluster=r["cluster"], dag_id=r["dag_id"], run_id=r["run_id"])),
        column("Started", lambda r: page.moment(r["started_at"], "not started"),
               width="9rem"),
        column("Duration", lambda r: duration(r, as_of), "right"),
        column("Kind", lambda r: r["run_kind"], width="5.5rem"),
        column("Cluster", lambda r: links.link("discover", r["cluster"], is_id=True,
                                               cluster=r["cluster"])),
    ]
    # A column that says nothing of these rows is left out.
    if rows["deleted_at"].is_not_null().any():
        columns.append(column("In Airflow", lambda r: "deleted" if r["deleted_at"] else ""))
    return html_tables.table(rows.iter_rows(named=True), columns, label="Runs")


def _state(row: Row, mode: theme.Mode) -> Markup:
    one = theme.state(row["state"])
    return write('<span style="color: {ink}">{text}</span>', ink=one.ink(mode), text=one.text)


def duration(row: Row, as_of: datetime) -> Markup | str:
    """How long it took, or takes so far; exact on hover."""
    seconds, end = row["duration_seconds"], ""
    if seconds is None:
        if row["state"] not in _GOING_ON or row["started_at"] is None:
            return ""
        seconds, end = fmt.seconds(row["started_at"], as_of), " so far"
    return write('<span title="{exact} s">{text}{end}</span>', exact=f"{seconds:,.3f}",
                 text=fmt.duration(seconds), end=end)
