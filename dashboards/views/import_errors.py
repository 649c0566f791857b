"""Which DAG files do not load?"""

from datetime import timedelta
from typing import Any

import streamlit as st

from dashboards import filters, frame, links, markup
from dashboards import format as fmt
from dashboards.panels import imports_list, list_parts

LATELY = timedelta(days=7)


def draw(page: frame.Page) -> None:
    """The page: sentence, filters, the chosen error in full, table."""
    if not page.clusters:
        frame.banner(page)
        frame.screen(page, "No cluster has landed yet",
                     "<p>The warehouse is published and knows no Airflow. Files that do not load "
                     "show up here with the first landing.</p>")
        return
    answer_slot = st.container()
    chosen = imports_list.bar([c["cluster"] for c in page.clusters],
                              page.reader.row("imports__options") or {})
    as_of = page.as_of(chosen.cluster or None) or page.now
    counts = page.reader.rows("imports__answer", **chosen.parameters(),
                              since=filters.before(as_of, LATELY))
    with answer_slot:
        if chosen.cluster:
            frame.band(page, chosen.cluster)
        frame.say('<div class="ws-answer" role="status">{sentence}</div>{under}',
                  sentence=imports_list.sentence(page, counts, as_of, fmt.span(LATELY)),
                  under=list_parts.under([
                      "Of what the filters leave" if chosen.is_narrowed else "",
                      markup.write("Data as of {at}", at=page.moment(as_of)),
                      f"times in {fmt.zone_label(page.zone, as_of)}"]))
        frame.banner(page)
    full = _full(page, chosen)
    _table(page, chosen, imports_list.total(counts, chosen.state), full)


def _full(page: frame.Page, chosen: imports_list.Narrowing) -> dict[str, Any] | None:
    """The error that the address names, in full; one that is not there says so."""
    file_path, error_key = frame.state_of("file", "error")
    if not file_path:
        return None
    found = page.reader.row("imports__chosen", cluster=chosen.cluster or None,
                            file_path=file_path, error_key=error_key or None)
    close = _without("Close")
    if found is None:
        frame.say('<div class="ws-banner" role="status">No such error of {file}: it never '
                  "landed{where}. {close}</div>", file=file_path,
                  where=f" from {fmt.visible(chosen.cluster)}" if chosen.cluster else "",
                  close=close)
        return None
    imports_list.one(page, found, close)
    return found


def _without(text: str, **changes: str) -> markup.Markup:
    kept = {name: value for name, value in st.query_params.to_dict().items()
            if name not in ("file", "error")}
    return links.link("import_errors", text, **{**kept, **changes})  # type: ignore[arg-type]


def _table(page: frame.Page, chosen: imports_list.Narrowing, count: int,
           full: dict[str, Any] | None) -> None:
    rows = page.reader.rows("imports__errors", **chosen.parameters(),
                            row_limit=list_parts.SHOWN)
    if rows.is_empty():
        _nothing(page, chosen)
        return
    hint = "; narrow the filters to see the others" if rows.height < count else ""
    with frame.section("{shown} <span>the message leads to the whole trace{hint}</span>",
                       shown=list_parts.cut(rows.height, count, "error"), hint=hint):
        frame.say("{table}", table=imports_list.table(
            page, rows, imports_list.order(st.query_params.get("sort")),
            st.query_params.to_dict(), full))


def _nothing(page: frame.Page, chosen: imports_list.Narrowing) -> None:
    ways = [_without("Show fixed ones too", state=imports_list.ALL)
            if chosen.state == imports_list.BROKEN else markup.Markup(""),
            links.link("import_errors", "Clear filters") if chosen.is_narrowed
            else markup.Markup("")]
    way = markup.joined([one for one in ways if one], " · ")
    if chosen.state == imports_list.BROKEN and not chosen.is_narrowed:
        frame.screen(page, "Every DAG file loads",
                     "<p>Airflow recorded no import error that still stands on {clusters}.</p>"
                     "<p>{way}</p>", clusters=fmt.count(len(page.clusters), "cluster"), way=way)
        return
    frame.screen(page, "No import error matches",
                 "<p>No {state} error fits the filters.</p><p>{way}</p>", way=way,
                 state={imports_list.BROKEN: "standing", imports_list.FIXED: "fixed"}.get(
                     chosen.state, "recorded"))


frame.show("Which DAG files do not load?", draw)
