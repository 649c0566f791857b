"""What pages that are lists share: filters that are bound to the URL, cells, what is left out."""

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from dashboards import format as fmt
from dashboards import frame, links, url_choice
from dashboards.markup import Markup, joined, write

Row = Mapping[str, Any]
SHOWN = 300


def search(label: str, placeholder: str) -> str:
    """One box; its text is `search` in the URL."""
    return (st.text_input(label, key="search", type="search", live=True, max_chars=250,
                          placeholder=placeholder, bind="query-params") or "").strip()


def choice(name: str, label: str, values: Iterable[str], nothing: str, *,
           width: Any = 180) -> str:
    """A choice that is `name` in the URL; empty text: everything."""
    return url_choice.select(name, label, list(values), nothing, width=width)


def present(values: Iterable[str | None] | None) -> list[str]:
    """The values that there are, sorted."""
    return sorted({one for one in values or () if one})


def cut(shown: int, all_: int, noun: str) -> str:
    """`12 errors`, or `first 300 of 4,000 errors`."""
    if shown >= all_:
        return fmt.count(all_, noun)
    return f"first {fmt.count(shown)} of {fmt.count(all_, noun)}"


def dag(row: Row) -> Markup:
    """The DAG of a row as a link to its page."""
    return links.link("dag", row["dag_id"], is_id=True, cluster=row["cluster"],
                      dag_id=row["dag_id"])


def owner(row: Row) -> Markup:
    """Who answers for it, and the team beneath."""
    if not row["owner"]:
        return write('<span class="ws-quiet">nobody known</span>{team}', team=_team(row))
    return write('<div class="ws-owner">{owner}</div>{team}', owner=row["owner"], team=_team(row))


def _team(row: Row) -> Markup:
    if not row["team"]:
        return Markup("")
    return write('<div class="ws-hit-under">{team}</div>', team=row["team"])


def cluster(page: frame.Page, name: str) -> Markup:
    """A cluster, and its kind when that is not production."""
    kind = page.cluster(name).get("kind")
    return write('{name}{chip}', name=name, chip=Markup("") if kind in (None, "prod") else
                 write(' <span class="ws-chip">{kind}</span>', kind=kind))


def quiet(template: Markup) -> None:
    """One quiet line."""
    frame.say('<div class="ws-under">{text}</div>', text=template)


def good(text: str) -> None:
    """That all is well, on one quiet line."""
    frame.say('<div class="ws-under"><span class="ws-good">✓</span> {text}</div>', text=text)


def under(pieces: Iterable[Markup | str]) -> Markup:
    """What stands beneath a sentence; what is empty is left out."""
    return write('<div class="ws-under">{inner}</div>', inner=joined(
        [write("{piece}", piece=piece) for piece in pieces if piece], " · "))
