"""The runs of a DAG: their filters, and a table with the parts that each one's time went to."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, html_tables, links
from dashboards.charts import SELECTION
from dashboards.html_tables import Column, Order
from dashboards.markup import Markup, joined, write
from dashboards.panels import lateness, words

Row = Mapping[str, Any]
COUNTS = {"60": "latest 60", "30": "30", "200": "200"}
STATES = {"": "all states", "failed": "failed", "success": "success", "running": "running",
          "queued": "queued"}
KINDS = {"": "all kinds", "scheduled": "scheduled", "manual": "manual", "backfill": "backfill",
         "asset": "asset"}
MEASURES = {"": "duration", "landing": "landing"}
OFFERED: Mapping[str, Mapping[str, str]] = {
    "count": COUNTS, "state": STATES, "kind": KINDS, "measure": MEASURES}
NEWEST = Order("began_at", is_descending=True)


def chosen(options: Mapping[str, str], asked: str) -> str:
    """The choice that the URL asks for; the default when it asks for none that there is."""
    return asked if asked in options else next(iter(options))


def filters(picked: Mapping[str, str], keep: Mapping[str, str]) -> Markup:
    """The filters in one row, as links.

    Args:
        picked: what is chosen of `count`, `state`, `kind`, `measure`.
        keep: the other parameters of the URL.
    """
    return write('<div class="ws-filters">{inner}</div>', inner=joined([
        words.choices("dag", name, options, picked[name],
                      {**keep, **not_default({k: v for k, v in picked.items() if k != name})})
        for name, options in OFFERED.items()], ""))


def not_default(picked: Mapping[str, str]) -> dict[str, str]:
    """The filters that the URL must name."""
    return {name: value for name, value in picked.items() if value != next(iter(OFFERED[name]))}


def total(states: pl.DataFrame, picked: Mapping[str, str]) -> int:
    """How many runs there are of the chosen state and kind (`dag__run_states`)."""
    for column, name in (("state", "state"), ("run_kind", "kind")):
        if picked[name]:
            states = states.filter(pl.col(column) == picked[name])
    return int(states["run_count"].sum())


def prepared(runs: pl.DataFrame) -> pl.DataFrame:
    """The runs `with_parts`, and `began_at`: start, else queueing, else logical date."""
    return lateness.with_parts(runs).with_columns(
        began_at=pl.coalesce("started_at", "queued_at", "logical_at"))


def oldest_first(runs: pl.DataFrame, *, is_landing: bool) -> pl.DataFrame:
    """The runs in the order of time, as charts have them; for landings those that were due."""
    kept = runs.filter(pl.col("landing_seconds").is_not_null()) if is_landing else runs
    return kept.reverse()


def oldest_start(runs: pl.DataFrame) -> datetime | None:
    """When the first of them started; None when none has."""
    started: list[datetime] = runs["started_at"].drop_nulls().to_list()
    return min(started, default=None)


def fingerprint(runs: pl.DataFrame) -> str:
    """What tells one choice of runs from another: a chart's clicks belong to its own rows."""
    ids = "\n".join(runs["run_id"].to_list())
    return hashlib.sha256(ids.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def clicked(runs: pl.DataFrame, event: object) -> str | None:
    """The run whose bar was clicked in the chart of these runs."""
    selection: Mapping[str, Any] = getattr(event, "selection", None) or {}
    row = next((one.get("row") for one in selection.get(SELECTION) or ()), None)
    if not isinstance(row, int | float) or not 0 <= row < runs.height:
        return None
    return str(runs["run_id"][int(row)])


def columns(page: frame.Page, dag: Row, as_of: datetime) -> list[Column]:
    """The columns of the table of runs."""
    def run_link(row: Row) -> Markup:
        return links.link("run", fmt.shorten(row["run_id"], 48), is_id=True, hint=row["run_id"],
                          cluster=dag["cluster"], dag_id=dag["dag_id"], run_id=row["run_id"])

    def part(heading: str, name: str, hint: str) -> Column:
        return Column(heading, lambda row: words.lasting(row[name]) if row[name] else "",
                      "right", name, hint)

    return [
        Column("Run", run_link, sort="run_id"),
        Column("State", lambda row: write("{state}{gone}", state=words.state(row["state"]),
                                          gone=_notes(row)), sort="state"),
        Column("Kind", lambda row: row["run_kind"], sort="run_kind"),
        Column("Started", lambda row: page.moment(row["started_at"], "not started"),
               sort="began_at"),
        Column("Duration", lambda row: _duration(row, as_of), "right", "total"),
        part("Running", "running", "Work on the path that made the run end when it did"),
        part("Waiting", "waiting", "Lead, hand-offs between tasks, and tail"),
        part("External", "external_wait", "Sensors on the path waited for the world"),
        part("Retry", "retry_wait", "Between a failed try on the path and the next"),
        part("Deferred", "deferred", "In the triggerer"),
        part("Queued", "run_queued_seconds", "Before the start: waiting for max_active_runs"),
        part("Landing", "landing_seconds", "From when it was due to its end: created late, "
             "queued, duration"),
    ]


def _notes(row: Row) -> Markup:
    notes = [text for text, holds in (("re-run", row["was_rerun"]),
                                      ("gone from Airflow", row["deleted_at"])) if holds]
    return joined([write(' <span class="ws-chip">{text}</span>', text=text) for text in notes], "")


def _duration(row: Row, as_of: datetime) -> Markup:
    if row["duration_seconds"] is not None:
        return words.lasting(row["duration_seconds"])
    if row["started_at"] is None:
        return Markup("")
    return write("{time} so far", time=words.lasting(fmt.seconds(row["started_at"], as_of)))


def table(page: frame.Page, dag: Row, runs: pl.DataFrame, query: Mapping[str, str],
          sort: str) -> Markup:
    """The runs as a table, in the order of the URL."""
    shown = columns(page, dag, page.as_of(dag["cluster"]) or page.now)
    order = html_tables.order_of(sort, shown, NEWEST)
    return html_tables.table(html_tables.in_order(runs, order).iter_rows(named=True), shown,
                             label="Runs", order=order, query=query)
