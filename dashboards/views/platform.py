"""Is the data fresh and whole?"""

import json
from datetime import timedelta

import polars as pl
import streamlit as st

from dashboards import charts, filters, frame, markup
from dashboards import format as fmt
from dashboards.panels import list_parts, platform_tables

ROW_LIMIT = 100
SHOWN, USED = timedelta(hours=24), timedelta(days=30)


def draw(page: frame.Page) -> None:
    """The page: sentence, clusters, use, landings, and what arrived broken."""
    if not page.clusters:
        frame.screen(page, "No cluster has landed yet",
                     "<p>The warehouse is published and knows no Airflow. Name one in "
                     "<code>windsock.toml</code>, then run <code>windsock run</code>.</p>")
        return
    warnings = _warnings(page)
    _answer(page, warnings)
    frame.banner(page, platform_link=False)
    _clusters(page, warnings)
    _usage(page)
    _landings(page)
    _broken(page, warnings)


def _warnings(page: frame.Page) -> pl.DataFrame:
    """What the door said of each schema, a row a sentence."""
    rows = [{"cluster": c["cluster"], "warning": str(text)}
            for c in page.clusters for text in json.loads(c["warnings"] or "[]")]
    return pl.DataFrame(rows, schema={"cluster": pl.String, "warning": pl.String})


def _answer(page: frame.Page, warnings: pl.DataFrame) -> None:
    verdicts = [v.verdict for v in page.verdicts.values()]
    fresh, frozen = verdicts.count("fresh"), verdicts.count("frozen")
    quarantined = page.reader.row("platform__quarantine_total") or {}
    flagged = (page.reader.row("platform__row_flag_total") or {}).get("row_count", 0)
    frame.say(
        '<div class="ws-answer"><b class="{ink}">{fresh}</b>, '
        "{frozen}{stale} stale, {failing} failing. {batches} in quarantine, {flags} on rows, "
        "{warnings}.</div>"
        '<div class="ws-under">Fresh: the data is at most {limit} old · failing: the latest '
        "landing failed · times in {zone}</div>",
        ink="" if frozen == len(verdicts) else "ws-good" if {*verdicts} <= {"fresh", "frozen"}
        else "ws-caution",
        fresh=fmt.count(frozen, "frozen copy", "frozen copies") if frozen == len(verdicts)
        else f"{fmt.count(fresh)} of {fmt.count(len(verdicts), 'cluster')} fresh",
        frozen=f"{fmt.count(frozen)} frozen, " if 0 < frozen < len(verdicts) else "",
        stale=fmt.count(verdicts.count("stale")),
        failing=fmt.count(verdicts.count("failing")),
        batches=fmt.count(quarantined.get("batch_count", 0), "batch", "batches"),
        flags=fmt.count(flagged, "flag"), warnings=fmt.count(warnings.height, "schema warning"),
        limit=fmt.span(page.settings.stale_after), zone=fmt.zone_label(page.zone, page.now))


def _clusters(page: frame.Page, warnings: pl.DataFrame) -> None:
    counts = dict(warnings.group_by("cluster").len().iter_rows())
    with frame.section("Clusters <span>what each Airflow is, how far its data reaches, and what of "
                       "it is alive</span>"):
        frame.say("{table}", table=platform_tables.clusters(
            page, page.reader.rows("platform__components"), counts))


def _usage(page: frame.Page) -> None:
    """What ran and who worked on each day: four measures over the same days."""
    with st.container(key="ws_platform_usage"):
        heading = st.container()
        cluster = list_parts.choice("cluster", "Cluster", [c["cluster"] for c in page.clusters],
                                    "All clusters together", width=260)
        until = page.as_of(cluster or None) or page.now
        since = filters.before(until, USED)
        days = page.reader.rows("platform__usage", cluster=cluster or None,
                                since_date=since.date(), until_date=until.date())
        with heading:
            frame.say('<div class="ws-heading" role="heading" aria-level="2">Use '
                      "<span>what ran and who worked, by day, in the last {span}</span></div>",
                      span=fmt.span(USED))
        if days.is_empty():
            list_parts.quiet(markup.write("Nothing ran and nobody worked in these days."))
            return
        for column, (measure, title) in zip(st.columns(4), platform_tables.MEASURES.items(),
                                            strict=True):
            with column:
                st.altair_chart(
                    charts.platform_usage(days, measure, title=title, since=since.date(),
                                          until=until.date(), mode=page.mode),
                    width="stretch", theme=None, key=f"platform_{measure}",
                    alt=f"{title} a day, {fmt.count(days.height, 'day')} of the last "
                        f"{fmt.span(USED)}")
        list_parts.quiet(markup.write(
            "People are told apart by name, on each cluster for itself. Audited requests are what "
            "the audit log has: changes in every release, page views in 1.10 and 2.x. Reads of "
            "the UI of 3.x and of the API are not in it."))


def _landings(page: frame.Page) -> None:
    until = max((c["loaded_at"] for c in page.clusters if c["loaded_at"]), default=page.now)
    since = filters.before(until, SHOWN)
    bucket = filters.bucket_for(since, until)
    loads = page.reader.rows("platform__landings", since=since, origin=since,
                             bucket_seconds=bucket.total_seconds())
    failures = page.reader.rows("platform__failed_landings", row_limit=ROW_LIMIT)
    total = page.reader.row("platform__landed", since=since) or {}
    with frame.section(
            "Landings <span>{loads} with {rows} in the {span} before the newest; ✕: failed</span>",
            loads=fmt.count(total.get("load_count", 0), "load"),
            rows=fmt.count(int(total.get("row_count", 0)), "row"), span=fmt.span(SHOWN)):
        if loads.is_empty() and failures.is_empty():
            frame.say('<div class="ws-under">No landing is recorded in this window.</div>')
            return
        st.altair_chart(
            charts.landings(loads, failures, bucket=bucket, since=since, until=until,
                            zone=page.zone, mode=page.mode), width="stretch", theme=None,
            alt="When each cluster was landed, and where a landing failed; failures are listed "
                "below")


def _broken(page: frame.Page, warnings: pl.DataFrame) -> None:
    rows = page.reader.rows
    left, right = st.columns(2, gap="medium")
    with left:
        _listing(page, "Failed landings", rows("platform__failed_landings", row_limit=ROW_LIMIT), {
            "cluster": "Cluster", "failed_at": "Failed", "error_class": "Error",
            "message": "Message"}, "No landing has failed.")
        _listing(page, "Schema warnings", warnings, {
            "cluster": "Cluster", "warning": "Warning"},
            "Every schema is one that Windsock knows.")
    with right:
        _listing(page, "Quarantined batches", rows("platform__quarantined", row_limit=ROW_LIMIT), {
            "cluster": "Cluster", "observed_at": "Observed", "table_name": "Table",
            "row_count": "Rows", "reason": "Reason"}, "No batch was set aside.")
        _listing(page, "Row flags", rows("platform__row_flags", row_limit=ROW_LIMIT), {
            "cluster": "Cluster", "row_flag": "Flag", "model_name": "Mart", "row_count": "Rows"},
            "No arriving row had a fault.")


def _listing(page: frame.Page, title: str, found: pl.DataFrame, headings: dict[str, str],
             when_empty: str) -> None:
    limited = f"first {ROW_LIMIT}" if found.height == ROW_LIMIT else fmt.count(found.height)
    with frame.section("{title} <span>{count}</span>", title=title, count=limited):
        if found.is_empty():
            list_parts.good(when_empty)
            return
        frame.say("{table}", table=platform_tables.listing(
            page, found.iter_rows(named=True), headings, title))


frame.show("Is the data fresh and whole?", draw)
