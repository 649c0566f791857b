"""What the graph of a DAG and that of a run have in common: folding in the URL, and mounting.

    Structure + what the URL opens  ->  Drawing (shape, links that fold)  ->  component + table
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from dashboards import components, frame, html_tables, links, markup
from dashboards import format as fmt
from dashboards.graph import layout, shape
from dashboards.graph.picture import Face, picture
from dashboards.markup import Markup, write
from dashboards.panels import words

ROW_LIMIT = 300
GROUP_LIMIT = 40        # links that fold a group; more, and one folds all
NAMED = 12              # tasks named on hover of what is folded
AFTER = 3               # upstream tasks named in a cell
_OPEN = "open"

Pair = tuple[str, str]
Row = Mapping[str, Any]


@st.cache_data(max_entries=64, show_spinner=False)
def _place(count: int, edges: tuple[tuple[int, int], ...], path: tuple[int, ...]) -> layout.Layout:
    return layout.place(count, edges, path)


@dataclass(frozen=True)
class Drawing:
    """A structure as one page of the app shows it, with the address of every other folding."""

    structure: shape.Structure
    page_name: str
    keep: tuple[str, ...] = ()      # tasks that are drawn whatever is folded

    @cached_property
    def drawn(self) -> shape.Shape:
        """What is drawn."""
        asked = st.query_params.get_all(_OPEN)
        return shape.fold(self.structure, shape.opened(self.structure, asked), self.keep)

    def address(self, is_open: frozenset[str] | None = None, **changes: object) -> str:
        """This page with something else open (None: as it is) or chosen."""
        kept = {k: v for k, v in st.query_params.items() if k not in (_OPEN, "page")}
        here = links.to(self.page_name, **{**kept, **changes})
        asked = st.query_params.get_all(_OPEN) if is_open is None else self._asked(is_open)
        return here + ("&" + urlencode([(_OPEN, one) for one in asked]) if asked else "")

    def _asked(self, is_open: frozenset[str]) -> list[str]:
        if is_open >= self.structure.all_groups | {shape.REST}:
            return [shape.EVERYTHING]
        return sorted(is_open) or [shape.NOTHING]

    def folded(self, node: shape.Node, under: str, bar: Sequence[tuple[str, int]] = (),
               state: str = "") -> Face:
        """The face of a folded group, or of the rest: a click opens it."""
        more = fmt.count(len(node.tasks) - NAMED) if len(node.tasks) > NAMED else ""
        names = ", ".join(node.tasks[:NAMED]) + (f" and {more} more" if more else "")
        count = fmt.count(len(node.tasks), "task")
        groups = sorted(node.folded - {shape.REST})
        name = (f"+ {count} off the path" if node.kind == "rest" and self.structure.chain
                else f"+ {count}" if node.kind == "rest" else ", ".join(groups))
        return Face(
            name, node.kind, under=under or count, bar=tuple(bar), state=state,
            note="" if node.kind == "rest" else f"+ {fmt.count(len(node.tasks))}",
            href=self.address(self.drawn.is_open | node.folded),
            hint=(f"{count}: {names}", "Click to show them"))

    def mount(self, key: str, label: str, faces: Sequence[Face], end: Face,
              ratios: Mapping[str, float] | None = None) -> None:
        """Draw the graph, with links that fold what is open above it."""
        self._say_folding()
        # Streamlit allows no "__" in a key
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        data = picture(self.drawn, faces, end, path=self.structure.chain, ratios=ratios or {},
                       place=_place)
        components.component("graph")(
            key=f"ws_graph_{name}", data={"name": name, "label": fmt.visible(label), **data})

    def _say_folding(self) -> None:
        """What is folded, and links that fold and unfold."""
        is_open, most = self.drawn.is_open, len(self.structure.groups) > shape.MOST_DRAWN
        hidden = sum(len(n.tasks) for n in self.drawn.nodes if n.kind != "task")
        frame.say("{line}", line=words.facts([
            write("{n} folded", n=fmt.count(hidden, "task")) if hidden else "",
            write("at most {n} are drawn at once, so what is off the path stays gathered",
                  n=fmt.count(shape.MOST_DRAWN, "task")) if most else "",
            self._link("show all", self.structure.all_groups | {shape.REST})
            if hidden and not most else "",
            self._fold_links(sorted(self.structure.all_groups & is_open))
            if self.structure.all_groups & is_open or (
                shape.REST in is_open and self.structure.chain
                and len(self.structure.groups) > shape.FOLD_ABOVE) else ""]))

    def _fold_links(self, groups: Sequence[str]) -> Markup:
        one = [self._link(g, frozenset(o for o in self.drawn.is_open
                                       if o != g and not o.startswith(f"{g}.")))
               for g in groups[:GROUP_LIMIT]]
        return write("fold {links}", links=markup.joined(
            [*one, self._link("all" if one else "what is off the path", frozenset())]))

    def _link(self, text: str, is_open: frozenset[str]) -> Markup:
        return write('<a class="ws-link" href="{href}">{text}</a>', text=text,
                     href=self._href(is_open))

    def _href(self, is_open: frozenset[str]) -> Markup:
        return Markup(fmt.escape(self.address(is_open), limit=64_000))


def edges_of(page: frame.Page, version_key: str | None, **named: str) -> list[Pair]:
    """The edges of a version as they were recorded; none without a version."""
    return list(page.reader.rows("graph__edges", version_key=version_key, **named).iter_rows())


def structure_of(tasks: Iterable[str], edges: Sequence[Pair], path: Sequence[str],
                 groups: Mapping[str, str | None]) -> shape.Structure:
    """These tasks and those that the edges name, with their groups as far as they are known."""
    named = dict.fromkeys([*tasks, *(t for pair in edges for t in pair)])
    return shape.Structure({t: groups.get(t) for t in named}, edges, tuple(path))


def said_cut(drawing: Drawing) -> Markup:
    """What is wrong with a structure that has cycles; nothing of a sound one."""
    count = drawing.drawn.cut_count
    if not count:
        return Markup("")
    return write(' · <span class="ws-caution">{n} left out, as they close a cycle: the recorded '
                 "structure is damaged</span>", n=fmt.count(count, "edge"))


def after(structure: shape.Structure) -> Callable[[Row], object]:
    """A cell that names the tasks a row's task waits for."""
    upstream: dict[str, list[str]] = {}
    for a, b in structure.edges:
        upstream.setdefault(b, []).append(a)

    def cell(row: Row) -> object:
        found = upstream.get(row["task_id"], [])
        more = f" and {fmt.count(len(found) - AFTER)} more" if len(found) > AFTER else ""
        return write("{names}{more}", names=markup.joined([words.name(t) for t in found[:AFTER]]),
                     more=more)
    return cell


def table(rows: Sequence[Row], columns: Sequence[html_tables.Column], what: str) -> None:
    """The graph for those who cannot see it, folded."""
    limited = (f", first {ROW_LIMIT} of {fmt.count(len(rows))}" if len(rows) > ROW_LIMIT
               else f", {fmt.count(len(rows))}")
    frame.say('<details><summary class="ws-under">The same as a table: {what}{limited}</summary>'
              "{table}</details>", what=what, limited=limited,
              table=html_tables.table(rows[:ROW_LIMIT], columns, label=what))
