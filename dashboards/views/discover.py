"""Where is it, and how did it run last?"""

from typing import Any

import polars as pl
import streamlit as st

from dashboards import banners, frame, html_tables, search_box
from dashboards import format as fmt
from dashboards.panels import discover_answer as words
from dashboards.panels import discover_filters as filters
from dashboards.panels import discover_hits as hits

ROW_LIMIT = 100
NEAR_LIMIT = 12


def draw(page: frame.Page) -> None:
    """The page: search, sentence, filters, hits."""
    found = page.reader.row("search__options", dag="dag") or {}
    if found.get("owners") is None:
        frame.banner(page)
        frame.screen(
            page, "No DAG has landed yet",
            "<p>The warehouse is published, and its {clusters} had no DAG so far. DAGs show up "
            "here with the next landing after Airflow parses their files.</p>",
            clusters=fmt.count(len(page.clusters), "cluster"))
        return
    text = filters.box()
    answer_slot = st.container(gap="xsmall")
    chosen = filters.bar(text, [c["cluster"] for c in page.clusters], filters.options(found))
    answer = page.reader.row("search__answer", **chosen.parameters()) or {}
    order = hits.order(st.query_params.get("sort"), chosen.text)
    with answer_slot:
        frame.band(page, chosen.values["cluster"])
        _answer(page, chosen, answer)
        banners.draw(page, chosen.values["cluster"])
    if chosen.chosen:
        frame.say("{chips}", chips=words.narrowed(chosen, st.query_params.get("sort", "")))
    _hits(page, chosen, answer, order)


def _answer(page: frame.Page, chosen: filters.Narrowing, answer: dict[str, Any]) -> None:
    cluster = chosen.values["cluster"]
    frame.say(
        '<div class="ws-answer" role="status">{sentence}</div>'
        '<div class="ws-under">Data as of {as_of} · times in {zone}</div>',
        sentence=words.sentence(chosen, answer),
        as_of=page.moment(page.as_of(cluster or None), "an unknown time"),
        zone=fmt.zone_label(page.zone, page.now))


def _hits(page: frame.Page, chosen: filters.Narrowing, answer: dict[str, Any],
          order: html_tables.Order) -> None:
    count = words.shown(chosen, answer)
    rows, is_near = search_box.hits(
        page.reader, chosen.text, {**chosen.parameters(), **hits.order_parameters(order)},
        row_limit=ROW_LIMIT if count else NEAR_LIMIT)
    if not count:
        frame.say("{ways}", ways=words.ways_on(chosen, answer, rows.height if is_near else 0))
    if rows.height:
        with frame.section(
                "{shown} <span>{order}{hint}</span>", order=hits.order_words(order) if count
                else "most alike first", shown=_shown(rows, count),
                hint="; narrow the search to see the others" if rows.height < count else ""):
            frame.say("{table}", table=hits.table(
                page, rows.to_dicts(), order, st.query_params.to_dict(), label="Hits"))


def _shown(rows: pl.DataFrame, count: int) -> str:
    if not count:
        return fmt.count(rows.height, "near name")
    return (f"{fmt.count(rows.height)} of {fmt.count(count)}" if rows.height < count
            else fmt.count(count, "hit"))


frame.show("Where is it, and how did it run last?", draw, has_search=False)
