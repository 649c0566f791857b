"""Tables as HTML: cells with links, bars and signs, read by people, screen readers and phones.

    rows (mappings) + columns (heading, cell, alignment, sort)  ->  Markup

A heading that sorts is a link that keeps the rest of the URL, so that a sorted page can be sent
on. A cell returns plain text, which is escaped, or Markup.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import polars as pl

from dashboards import format as fmt
from dashboards.markup import Markup, write

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column: what its heading says, what a row's cell says, and what it sorts by."""

    heading: str
    cell: Callable[[Row], object]
    align: str = "left"         # left, right
    sort: str = ""              # column of the frame; "" = cannot be sorted by
    hint: str = ""
    width: str = ""             # CSS length; "" = what it needs


@dataclass(frozen=True)
class Order:
    """How a table is sorted: a column of the frame, and which way."""

    column: str
    is_descending: bool

    @property
    def text(self) -> str:
        """As the URL has it: `-` before a descending column."""
        return f"-{self.column}" if self.is_descending else self.column


def order_of(text: str | None, columns: Sequence[Column], default: Order) -> Order:
    """The order that a URL asks for; the default when it asks for nothing that there is."""
    name = (text or "").removeprefix("-")
    if name not in {c.sort for c in columns if c.sort}:
        return default
    return Order(name, (text or "").startswith("-"))


def in_order(frame: pl.DataFrame, order: Order) -> pl.DataFrame:
    """The frame sorted, what is unknown last, and rows that tie in their old order."""
    if order.column not in frame.columns:
        return frame
    return frame.sort(order.column, descending=order.is_descending, nulls_last=True,
                      maintain_order=True)


def table(rows: Iterable[Row], columns: Sequence[Column], *, label: str,
          order: Order | None = None, query: Mapping[str, str] | None = None,
          parameter: str = "sort", chosen: Callable[[Row], bool] | None = None) -> Markup:
    """The table.

    Args:
        rows: in the order to show.
        columns: from left to right; the first stays in view when the table scrolls sideways.
        label: what a screen reader calls it.
        order: how the rows are sorted; None: nothing sorts them.
        query: the parameters of the URL, kept by the headings that sort.
        parameter: the name in the URL under which the order stands.
        chosen: whether a row is the one that the page is about.
    """
    head = Markup("".join(_heading(c, order, query or {}, parameter) for c in columns))
    body = Markup("".join(_row(r, columns, chosen is not None and chosen(r)) for r in rows))
    return write('<div class="ws-scroll" tabindex="0" role="region" aria-label="{label}">'
                 '<table class="ws-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
                 "</table></div>", label=label, head=head, body=body)


def _heading(column: Column, order: Order | None, query: Mapping[str, str],
             parameter: str) -> Markup:
    side = Markup("ws-right" if column.align == "right" else "")
    style = Markup(f"min-width:{fmt.escape(column.width)}" if column.width else "")
    if not column.sort or order is None:
        return write('<th scope="col" class="{side}" style="{style}" title="{hint}">{text}</th>',
                     side=side, style=style, hint=column.hint, text=column.heading)
    is_this = order.column == column.sort
    descends = not order.is_descending if is_this else column.align == "right"
    asked = Order(column.sort, descends).text
    href = "?" + urlencode({**query, parameter: asked})
    sign = (" ▼" if order.is_descending else " ▲") if is_this else ""
    return write(
        '<th scope="col" class="{side}" style="{style}" aria-sort="{sort}">'
        '<a class="ws-link" href="{href}" title="{hint}">{text}{sign}</a></th>',
        side=side, style=style, hint=column.hint or "Sort by this", text=column.heading, sign=sign,
        href=Markup(fmt.escape(href, limit=8000)),
        sort=("descending" if order.is_descending else "ascending") if is_this else "none")


def _row(row: Row, columns: Sequence[Column], is_chosen: bool) -> Markup:
    cells = "".join(
        write('<td class="{side}">{cell}</td>' if number else
              '<th scope="row" class="{side}">{cell}</th>',
              side=Markup("ws-right" if c.align == "right" else ""), cell=_cell(c, row))
        for number, c in enumerate(columns))
    return write('<tr class="{kind}">{cells}</tr>', kind="ws-chosen" if is_chosen else "",
                 cells=Markup(cells))


def _cell(column: Column, row: Row) -> object:
    value = column.cell(row)
    return "" if value is None else value
