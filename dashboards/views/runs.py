"""What ran, and how did it end?"""

from datetime import datetime

import polars as pl
import streamlit as st

from dashboards import banners, charts, filters, frame, markup, theme
from dashboards import format as fmt
from dashboards.panels import runs_table

ROW_LIMIT = 200


def draw(page: frame.Page) -> None:
    """The page: sentence, filters, picture, table."""
    if not page.clusters or (page.reader.row("runs__newest_anywhere") or {}).get("run_count") == 0:
        frame.banner(page)
        frame.screen(
            page, "No runs have landed yet",
            "<p>The warehouse is published, and no DAG of its {clusters} has run so far. Runs show "
            "up here with the next landing after one starts.</p>",
            clusters=fmt.count(len(page.clusters), "cluster"))
        return
    answer_slot = st.container()
    chosen = filters.bar([c["cluster"] for c in page.clusters])
    as_of = page.as_of(chosen.cluster or None) or page.now
    answer = page.reader.row("runs__answer", **chosen.parameters(as_of)) or {}
    states = page.reader.rows("runs__states", **chosen.parameters(as_of))
    with answer_slot:
        if chosen.cluster:
            frame.band(page, chosen.cluster)
        _answer(page, chosen, answer, states, as_of)
        banners.draw(page, chosen.cluster)
    if not answer.get("run_count"):
        _nothing_found(page, chosen)
        return
    _chart(page, chosen, answer, as_of)
    _table(page, chosen, answer["run_count"], as_of)


def _answer(page: frame.Page, chosen: filters.RunFilters, answer: dict[str, int],
            states: pl.DataFrame, as_of: datetime) -> None:
    counts = dict(theme.tally(states.select("state", "run_count").iter_rows()))
    failed = counts.pop(theme.STATES["failed"], 0)
    ends = [markup.write('<b class="{ink}">{n} failed</b>', n=fmt.count(failed),
                         ink="ws-bad" if failed else "ws-good")]
    ends += [markup.write("{n} {verb}", n=fmt.count(n), verb=state.verb)
             for state, n in counts.items()]
    frame.say(
        '<div class="ws-answer"><b>{runs}</b> of {dags} on {clusters} {window}: {ends}.</div>'
        '<div class="ws-under">Newest {newest} · data as of {as_of} · times in {zone}</div>',
        runs=fmt.count(answer.get("run_count", 0), "run"),
        dags=fmt.count(answer.get("dag_count", 0), "DAG"),
        clusters=fmt.count(answer.get("cluster_count", 0), "cluster"),
        window=chosen.window_words, ends=markup.joined(ends),
        newest=page.moment(answer.get("newest_at"), "none"),  # type: ignore[arg-type]
        as_of=page.moment(as_of), zone=fmt.zone_label(page.zone, as_of))


def _nothing_found(page: frame.Page, chosen: filters.RunFilters) -> None:
    newest = (page.reader.row("runs__newest_anywhere") or {}).get("newest_at")
    frame.screen(
        page, "No run matches",
        "<p>Nothing ran {window}{narrowed}. The newest run of all is of {newest}.</p>"
        "<p>Widen the window, or clear a filter.</p>", window=chosen.window_words,
        narrowed=" that fits the filters" if chosen.is_narrowed else "",
        newest=page.moment(newest, "an unknown time"))


def _chart(page: frame.Page, chosen: filters.RunFilters, answer: dict[str, datetime],
           as_of: datetime) -> None:
    oldest = answer["oldest_at"] or as_of
    bucket = filters.bucket_for(oldest, max(as_of, answer["newest_at"] or as_of))
    over_time = page.reader.rows(
        "runs__over_time", **chosen.parameters(as_of), bucket_seconds=bucket.total_seconds(),
        origin=fmt.local_midnight(oldest, page.zone))
    with frame.section("Runs started per {bucket} <span>by the state they are in now</span>",
                       bucket=fmt.span(bucket)):
        st.altair_chart(
            charts.runs_over_time(over_time, bucket=bucket, until=as_of, zone=page.zone,
                                  mode=page.mode), width="stretch", theme=None)


def _table(page: frame.Page, chosen: filters.RunFilters, run_count: int, as_of: datetime) -> None:
    name = "runs__longest" if chosen.sort == "longest" else "runs__newest"
    rows = page.reader.rows(name, **chosen.parameters(as_of), row_limit=ROW_LIMIT)
    with frame.section(
            "{shown} of {all} <span>{order} first{hint}</span>",
            shown=fmt.count(rows.height), all=fmt.count(run_count, "run"), order=chosen.sort,
            hint=f"; first {ROW_LIMIT}, narrow the filters to see the others"
            if rows.height < run_count else ""):
        frame.say("{table}", table=runs_table.table(page, rows, as_of))


frame.show("What ran, and how did it end?", draw)
