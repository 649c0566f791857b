"""Which limit holds work up?"""

from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from dashboards import banners, charts, frame, links, markup
from dashboards import format as fmt
from dashboards.panels import limits_detail, limits_list, list_parts, words

_MEASURES = {"wait_seconds": "waiting it cost", "full_seconds": "time full"}


def draw(page: frame.Page) -> None:
    """The page: sentence, filters, limits, and one of them in full."""
    if not page.clusters:
        frame.banner(page)
        frame.screen(page, "No cluster has landed yet",
                     "<p>The warehouse is published and knows no Airflow, so no pool and no "
                     "<code>max_active_tasks</code> either.</p>")
        return
    answer_slot = st.container()
    cluster, name = limits_list.bar([c["cluster"] for c in page.clusters])
    window = limits_list.Window(name, page.as_of(cluster or None) or page.now)
    rows = limits_list.read(page, cluster, window)
    with answer_slot:
        if cluster:
            frame.band(page, cluster)
        _answer(page, rows, window, is_all=not cluster)
        banners.draw(page, cluster)
    if rows.is_empty():
        frame.screen(page, "No limit is known here",
                     "<p>{where} has no pool, and nothing was full {since}.</p><p>{way}</p>",
                     where=fmt.visible(cluster) or "No cluster", since=window.words,
                     way=links.link("limits", "Show all clusters") if cluster else "")
        return
    kind, limit_name = frame.state_of("limit_kind", "limit_name")
    picked = limits_list.chosen(rows, kind, limit_name)
    _list(page, rows, picked, is_all=not cluster)
    if picked is not None:
        _detail(limits_detail.Subject(page, picked, window))
    elif kind and limit_name:
        frame.say('<div class="ws-banner" role="status">{limit} held nothing up {since} and is no '
                  "pool{where}. {way}</div>", limit=words.limit(f"{kind}:{limit_name}"),
                  since=window.words, where=f" of {fmt.visible(cluster)}" if cluster else "",
                  way=links.link("limits", "Show all limits", cluster=cluster, window="30 d"))


def _answer(page: frame.Page, rows: pl.DataFrame, window: limits_list.Window, *,
            is_all: bool) -> None:
    worst = limits_list.chosen(rows, "", "")
    found = pl.DataFrame() if worst is None else limits_detail.waiters(page, worst, window)
    frame.say('<div class="ws-answer" role="status">{sentence}</div>{under}',
              sentence=limits_list.sentence(rows, found, window,
                                            is_all and page.clusters[1:] != []),
              under=list_parts.under([
                  "Counted are waits that made a run end later, by whole days (UTC); what "
                  "max_active_runs holds back before it starts is on each run's page",
                  markup.write("data as of {at}", at=page.moment(window.as_of)),
                  f"times in {fmt.zone_label(page.zone, window.as_of)}"]))


def _list(page: frame.Page, rows: pl.DataFrame, picked: limits_list.Row | None, *,
          is_all: bool) -> None:
    query = st.query_params.to_dict()
    has_all = query.get("list") == "all"
    order = limits_list.order(query.get("sort"))
    shown = limits_list.shown(rows, order, picked, has_all=has_all)
    kept: dict[str, Any] = {**query, "list": "" if has_all else "all"}
    with frame.section(
            "{shown} <span>the name leads to who waited for whom{more}</span>",
            shown=limits_list.count(shown, rows),
            more=markup.write(" · {link}", link=links.link(
                "limits", "only what was full" if has_all else
                "show all, pools that were never full too", **kept))
            if has_all or shown.height < rows.height else ""):
        frame.say("{table}", table=limits_list.table(shown, order, query, picked, is_all))


def _detail(subject: limits_detail.Subject) -> None:
    steps = limits_detail.waits(subject)
    history = limits_detail.history(subject, steps)
    changes = limits_detail.sizes(history)
    with frame.section(
            "{limit} by {bucket} <span>on {cluster} · size now {size}{since}{sizes}</span>",
            limit=limits_list.text(subject.row),
            bucket="hour" if subject.window.is_short else "day (UTC)", cluster=subject.cluster,
            size=limits_list.size(subject.row),
            since=markup.write(", since {at}", at=subject.page.moment(
                subject.row["size_since_at"])) if subject.row["size_since_at"] else "",
            sizes=f" · while it was full it was {' then '.join(map(fmt.count, changes))}"
            if changes[1:] else ""):
        for column, (measure, title) in zip(st.columns(2, gap="medium"), _MEASURES.items(),
                                            strict=True):
            with column:
                _chart(subject, history, measure, title)
        if changes[1:]:
            _chart(subject, history, "size_count", "size while full")
    _who(subject, steps)


def _chart(subject: limits_detail.Subject, history: pl.DataFrame, measure: str,
           title: str) -> None:
    window, page = subject.window, subject.page
    st.altair_chart(
        charts.limit_history(
            history, measure, title=title,
            bucket=limits_detail.HOUR if window.is_short else limits_detail.DAY,
            since=window.since, until=window.as_of,
            zone=page.zone if window.is_short else ZoneInfo("UTC"), mode=page.mode),
        width="stretch", theme=None, key=f"limits_{measure}",
        alt=f"{title} of {fmt.visible(subject.limit.text)}, a bar an "
            f"{'hour' if window.is_short else 'UTC day'}")


def _who(subject: limits_detail.Subject, steps: pl.DataFrame) -> None:
    """Waiters beside holders."""
    found = limits_detail.waiters(subject.page, subject.row, subject.window)
    left, right = st.columns(2, gap="medium")
    with left:
        with frame.section("Who waited <span>{dags}</span>",
                           dags=list_parts.cut(min(found.height, limits_detail.SHOWN),
                                               found.height, "DAG")):
            if found.is_empty():
                list_parts.good("No critical path waited for it.")
                return
            frame.say("{table}", table=limits_detail.waiters_table(subject, found))
        with frame.section("The longest waits <span>{waits} on critical paths</span>",
                           waits=list_parts.cut(min(steps.height, limits_detail.SHOWN_WAITS),
                                                steps.height, "wait")):
            frame.say("{table}", table=limits_detail.waits_table(subject, steps))
    with right:
        _holders(subject, steps)


def _holders(subject: limits_detail.Subject, steps: pl.DataFrame) -> None:
    found = limits_detail.held(subject, steps)
    with frame.section("Who held it <span>during the {waits}; {holders}</span>",
                       waits=limits_detail.held_words(steps),
                       holders=list_parts.cut(min(len(found), limits_detail.SHOWN), len(found),
                                              "holder")):
        if not found:
            list_parts.quiet(markup.write(
                "No recorded try held it then: it is too small for the tasks that waited, or not "
                "there."))
            return
        frame.say("{table}", table=limits_detail.holders_table(subject, found))


frame.show("Which limit holds work up?", draw)
