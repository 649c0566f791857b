"""Filters of the Runs page: widgets bound to the URL, and the parameters of its queries.

A bound widget's key is its name in the URL, and the page is in the path, so keys carry no prefix.
A bound option stands in the URL as it is shown, so options are shown as plain words.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from dashboards import format as fmt
from dashboards import url_choice

WINDOWS: dict[str, timedelta | None] = {
    "1 h": timedelta(hours=1), "24 h": timedelta(hours=24), "7 d": timedelta(days=7),
    "30 d": timedelta(days=30), "all": None,
}
DEFAULT_WINDOW = "24 h"
RUN_STATES = ("failed", "running", "queued", "success")
RUN_KINDS = ("scheduled", "manual", "backfill", "asset")
SORTS = ("newest", "longest")
_BUCKETS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800,
            2_592_000)
_MOST_BUCKETS = 72


@dataclass(frozen=True)
class RunFilters:
    """What the person asked for; empty text means everything."""

    search: str
    cluster: str
    state: str
    kind: str
    window: str
    sort: str

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the window is chosen."""
        return bool(self.search or self.cluster or self.state or self.kind)

    def parameters(self, as_of: datetime) -> dict[str, object]:
        """Parameters of the queries; the window ends at what the data is as of."""
        length = WINDOWS.get(self.window)
        return {"search": self.search or None, "cluster": self.cluster or None,
                "state": self.state or None, "kind": self.kind or None,
                "since": as_of - length if length else None}

    @property
    def window_words(self) -> str:
        """`in the last 24 h`."""
        length = WINDOWS.get(self.window)
        return f"in the last {fmt.span(length)}" if length else "in all of the history"


def bar(clusters: list[str]) -> RunFilters:
    """Draw the filters in one row and return what they say."""
    columns = st.columns([3, 2, 1.5, 1.5, 1.5, 1.6], vertical_alignment="bottom")
    with columns[0]:
        search = st.text_input("Search", key="search", type="search", live=True, max_chars=250,
                               placeholder="DAG or run id contains …", bind="query-params")
    with columns[1]:
        cluster = url_choice.select("cluster", "Cluster", clusters, "All clusters")
    with columns[2]:
        state = st.selectbox("State", ["", *RUN_STATES], key="state", bind="query-params",
                             format_func=lambda s: s or "All states")
    with columns[3]:
        kind = st.selectbox("Kind", ["", *RUN_KINDS], key="kind", bind="query-params",
                            format_func=lambda k: k or "All kinds")
    with columns[4]:
        window = st.selectbox(
            "Window", list(WINDOWS), key="window", index=list(WINDOWS).index(DEFAULT_WINDOW),
            bind="query-params")
    with columns[5]:
        sort = st.selectbox("First", SORTS, key="sort", bind="query-params")
    return RunFilters((search or "").strip(), cluster or "", state or "", kind or "",
                      window or DEFAULT_WINDOW, sort or "newest")


def before(at: datetime, length: timedelta) -> datetime:
    """The begin of a window that ends at an instant."""
    return at - length


def bucket_for(begin: datetime, end: datetime) -> timedelta:
    """The finest round bucket with which a chart from begin to end stays readable."""
    wanted = (end - begin).total_seconds() / _MOST_BUCKETS
    return timedelta(seconds=next((b for b in _BUCKETS if b >= wanted), _BUCKETS[-1]))
