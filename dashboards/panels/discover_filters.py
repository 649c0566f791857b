"""What Discover is narrowed to: a text and choices, all in the URL.

    URL  <->  widgets  ->  Narrowing  ->  parameters of search__hits and __answer
"""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboards import search, theme, url_choice

BOTH, DAGS, TASKS = "", "DAGs", "tasks"
NOT_PAUSED, PAUSED, BROKEN, GONE = "not paused", "paused", "import errors", "gone from Airflow"
STATUSES = (NOT_PAUSED, PAUSED, BROKEN, GONE)
# name in the URL -> (list of search__options, what it is called, what stands there when not chosen)
CHOICES: dict[str, tuple[str, str, str]] = {
    "owner": ("owners", "Owner", "All owners"),
    "team": ("teams", "Team", "All teams"),
    "tier": ("tiers", "Tier", "All tiers"),
    "project": ("projects", "Project", "All projects"),
    "tag": ("tags", "Tag", "All tags"),
    "schedule": ("schedule_kinds", "Schedule", "All schedules"),
}


@dataclass(frozen=True)
class Narrowing:
    """What the person asked for, by names of the URL; empty text means everything."""

    values: dict[str, str]

    @property
    def text(self) -> str:
        """What was typed."""
        return self.values.get("q", "")

    @property
    def chosen(self) -> dict[str, str]:
        """What is narrowed besides the text."""
        return {name: value for name, value in self.values.items() if value and name != "q"}

    @property
    def entry_kind(self) -> str | None:
        """DAGs and tasks; without a text DAGs alone, unless tasks were asked for."""
        wanted = {DAGS: "dag", TASKS: "task"}.get(self.values.get("kind", BOTH))
        return wanted or (None if self.text else "dag")

    def parameters(self) -> dict[str, object]:
        """Parameters of the search's queries but the order."""
        value, status = self.values, self.values.get("status", "")
        return {
            **search.EVERYTHING, **search.parameters(self.text), "entry_kind": self.entry_kind,
            "cluster": value.get("cluster") or None, "last_state": value.get("last") or None,
            **{name: value.get(name) or None for name in ("owner", "team", "tier", "project",
                                                          "tag")},
            "schedule_kind": value.get("schedule") or None,
            "is_paused": {NOT_PAUSED: False, PAUSED: True}.get(status),
            "has_import_errors": True if status == BROKEN else None,
            "is_current": status != GONE}


def options(found: dict[str, Any]) -> dict[str, list[str]]:
    """Values of each choice, sorted; owners and tags, which a DAG has many of, one by one."""
    return {name: sorted({one for value in found.get(name) or () if value is not None
                          for one in ([value] if isinstance(value, str) else value) if one})
            for name in ("owners", "teams", "tiers", "projects", "tags", "last_states",
                         "schedule_kinds")}


def box() -> str:
    """The big search; `/` puts the cursor into it."""
    return (st.text_input(
        "Find a DAG or task", key="q", type="search", live=True, max_chars=search.MOST_LETTERS,
        bind="query-params", label_visibility="collapsed",
        placeholder="Find a DAG or task by its name, on every cluster  ( / )") or "").strip()


def bar(text: str, clusters: list[str], found: dict[str, list[str]]) -> Narrowing:
    """Draw the choices: the four that are used most in sight, the others in a popover."""
    chosen = {"q": text}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small",
                      key="ws_discover_filters"):
        for name, label, values, nothing, width in (
                ("kind", "What", [DAGS, TASKS], "DAGs and tasks", 150),
                ("cluster", "Cluster", clusters, "All clusters", 200),
                ("last", "Last run", _states(found["last_states"]), "Any state", 150),
                ("status", "Status", STATUSES, "Any status", 160)):
            chosen[name] = url_choice.select(name, label, values, nothing, width=width)
        with st.popover("More filters", icon=":material/filter_list:"):
            for name, (listed, label, nothing) in CHOICES.items():
                if found[listed]:
                    chosen[name] = url_choice.select(name, label, found[listed], nothing)
    return Narrowing(chosen)


def _states(landed: list[str]) -> list[str]:
    """What needs a person first; a state that Airflow does not have comes last."""
    order = list(theme.STATES)
    return sorted(landed, key=lambda s: (order.index(s) if s in order else len(order), s))
