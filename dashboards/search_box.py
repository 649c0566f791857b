"""The search on top of every page: hits as one types, each a link to its DAG or task.

    typed (search.ts)  ->  fragment  ->  search__hits, or search__near where nothing is called so
                       <-  data: eight hits

Only the fragment runs again while somebody types; the page stays as it is.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from dashboards import components, data, links, search, theme
from dashboards import format as fmt

HITS = 8
_KEY = "ws_search_box"


def hits(reader: data.Reader, text: str, narrowed: Mapping[str, object] | None = None, *,
         row_limit: int = HITS) -> tuple[pl.DataFrame, bool]:
    """The likeliest hits for a text, and whether they are only near what was typed.

    Args:
        reader: of a generation.
        text: what was typed.
        narrowed: parameters of search__hits in place of "everything, the likeliest first".
        row_limit: how many at most.
    """
    given = {**search.EVERYTHING, **search.parameters(text), **(narrowed or {}),
             "row_limit": row_limit}
    found = reader.rows("search__hits", **given)
    if found.height or not text:
        return found, False
    return reader.rows("search__near", **given), True


@st.fragment
def draw(reader: data.Reader, mode: theme.Mode) -> None:
    """The box; what is typed next comes back into this fragment alone."""
    asked = str(st.session_state.get(_KEY, {}).get("asked") or "")
    components.component("search")(
        key=_KEY, data=answer(reader, asked, mode), default={"asked": ""},
        on_asked_change=_stay)


def _stay() -> None:
    """A state of a component exists only with somebody who listens."""


def answer(reader: data.Reader, asked: str, mode: theme.Mode) -> dict[str, Any]:
    """What the box shows, as plain text for its `textContent`."""
    found, is_near = hits(reader, asked) if asked else (pl.DataFrame(), False)
    return {"asked": asked, "is_near": is_near, "all": links.to("discover"),
            "hits": [_hit(row, mode) for row in found.iter_rows(named=True)]}


def _hit(row: dict[str, Any], mode: theme.Mode) -> dict[str, str]:
    is_task = row["entry_kind"] == "task"
    state = theme.state(row["last_run_state"])
    return {
        "href": href(row), "name": fmt.visible(row["entry_name"]),
        "of": fmt.visible(row["dag_id"]) if is_task else "",
        "cluster": fmt.visible(row["cluster"]),
        "kind": "" if row["cluster_kind"] == "prod" else fmt.visible(row["cluster_kind"]),
        "what": "task of" if is_task else "DAG on",
        "glyph": state.glyph if row["last_run_state"] else "·",
        "state": f"last run: {fmt.visible(state.label)}" if row["last_run_state"] else "never ran",
        "ink": state.ink(mode)}


def href(row: Mapping[str, Any]) -> str:
    """Where a hit leads."""
    if row["entry_kind"] == "task":
        return links.to("task", cluster=row["cluster"], dag_id=row["dag_id"],
                        task_id=row["task_id"])
    return links.to("dag", cluster=row["cluster"], dag_id=row["dag_id"])
