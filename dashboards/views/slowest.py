"""What got slower this week?"""

from datetime import timedelta
from typing import Any

import polars as pl
import streamlit as st

from dashboards import banners, frame, links, markup
from dashboards import format as fmt
from dashboards.panels import list_parts, slowest_list

RECENT, BEFORE = timedelta(days=7), timedelta(days=28)


def draw(page: frame.Page) -> None:
    """The page: sentence, filters, table."""
    if not page.clusters:
        frame.banner(page)
        frame.screen(page, "No cluster has landed yet",
                     "<p>The warehouse is published and knows no Airflow, so nothing ran.</p>")
        return
    answer_slot = st.container()
    owners = page.reader.rows("slowest__owners", cluster=None, row_limit=slowest_list.DAG_LIMIT)
    chosen = slowest_list.bar([c["cluster"] for c in page.clusters], owners)
    answer = page.reader.row("slowest__answer", **chosen.parameters()) or {}
    rows = slowest_list.narrowed(
        page.reader.rows("slowest__dags", **chosen.parameters(), row_limit=slowest_list.ROW_LIMIT),
        owners, chosen)
    with answer_slot:
        if chosen.cluster:
            frame.band(page, chosen.cluster)
        if answer.get("dag_count"):
            _answer(page, chosen, answer, rows)
        banners.draw(page, chosen.cluster)
    if not answer.get("dag_count"):
        _no_history(page, chosen)
        return
    if rows.is_empty():
        _nothing(page, chosen)
        return
    _table(chosen, rows, is_all=not chosen.cluster)


def _answer(page: frame.Page, chosen: slowest_list.Narrowing, answer: dict[str, Any],
            rows: pl.DataFrame) -> None:
    as_of = page.as_of(chosen.cluster or None) or page.now
    frame.say('<div class="ws-answer" role="status">{sentence}</div>{under}',
              sentence=slowest_list.sentence(answer, rows, chosen, fmt.span(RECENT)),
              under=list_parts.under([
                  f"Successful runs of the last {fmt.span(RECENT)} against the "
                  f"{fmt.span(BEFORE)} before, without backfills and re-run runs",
                  markup.write("data as of {at}", at=page.moment(as_of)),
                  f"times in {fmt.zone_label(page.zone, as_of)}"]))


def _no_history(page: frame.Page, chosen: slowest_list.Narrowing) -> None:
    found = page.reader.row("slowest__oldest", cluster=chosen.cluster or None,
                            success="success") or {}
    frame.screen(
        page, "Too little history to compare",
        "<p>A DAG needs successful runs in the last {recent} and in the {before} before; {oldest}"
        ".</p><p>{way}</p>", recent=fmt.span(RECENT), before=fmt.span(BEFORE),
        oldest=markup.write("the oldest of the {runs} here is of {at}",
                            runs=fmt.count(found["run_count"], "successful run"),
                            at=page.moment(found["oldest_at"], "an unknown time"))
        if found.get("run_count") else "none has succeeded here yet",
        way=links.link("slowest", "Show all clusters") if chosen.cluster else links.link(
            "runs", "What ran"))


def _nothing(page: frame.Page, chosen: slowest_list.Narrowing) -> None:
    if chosen.is_narrowed:
        frame.screen(page, "No DAG matches",
                     "<p>No DAG that fits the filters got slower.</p><p>{way}</p>",
                     way=markup.joined([links.link("slowest", "Clear filters"), _others()], " · "))
        return
    frame.screen(page, "Nothing got slower",
                 "<p>Every DAG takes as long as in the {before} before, within what is usual for "
                 "it.</p><p>{way}</p>", before=fmt.span(BEFORE), way=_others())


def _others() -> markup.Markup:
    kept: dict[str, Any] = {**st.query_params.to_dict(), "others": "true"}
    return links.link("slowest", "Show also what is no anomaly", **kept)


def _table(chosen: slowest_list.Narrowing, rows: pl.DataFrame, *, is_all: bool) -> None:
    order = slowest_list.order(st.query_params.get("sort"))
    with frame.section(
            "{shown} <span>{which}</span>",
            shown=list_parts.cut(min(rows.height, list_parts.SHOWN), rows.height, "DAG"),
            which="with those that did not pass the anomaly rule" if chosen.has_others
            else "slower or later by the anomaly rule"):
        frame.say("{legend}{table}", legend=slowest_list.legend(), table=slowest_list.table(
            rows, order, st.query_params.to_dict(), is_all))


frame.show("What got slower this week?", draw)
