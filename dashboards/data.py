"""Rows for the pages: committed queries on one published generation at a time.

    pointer -> generation (a shared read-only connection) -> queries/<page>__<question>.sql -> rows

A session asks for the newest generation at each run of its script; `watch_token` tells it when to
run again. A generation stays open as long as somebody holds it and is never locked or changed, so
publishing waits for nobody.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import streamlit as st

from windsock.errors import WarehouseError
from windsock.warehouse import Layout, Share, open_snapshot

QUERIES = Path(__file__).with_name("queries")
KEPT_OPEN = 3
KEPT_ANSWERS = 256

_PARAMETER = re.compile(r"\$([a-z_0-9]+)")
_MART = re.compile(r"\bfrom\s+marts\.([a-z_]+)", re.IGNORECASE)


@cache
def query_text(name: str) -> str:
    """The text of a committed query."""
    return (QUERIES / f"{name}.sql").read_text()


def marts_of(name: str) -> frozenset[str]:
    """The marts that a query reads."""
    return frozenset(_MART.findall(query_text(name)))


@dataclass(frozen=True)
class Generation:
    """A published snapshot that is open; closed when the last session lets go of it."""

    path: Path
    connection: duckdb.DuckDBPyConnection


# Columns that say how a row's values are known, and the words for "not recorded, worked out".
ESTIMATED = {"waits_basis": {"inferred"}, "structure_basis": {"inferred", "nearest"},
             "path_basis": {"partial", "unmeasured"}, "link_basis": {"logical_date",
                                                                     "trigger_window"}}


@dataclass(frozen=True)
class Reader:
    """What one run of a page reads, and from which marts."""

    generation: Generation
    marts: set[str] = field(default_factory=set)
    estimated: dict[str, tuple[int, int]] = field(default_factory=dict)

    def rows(self, name: str, **parameters: object) -> pl.DataFrame:
        """Rows of a committed query; parameters that it does not name are left out.

        Raises:
            WarehouseError: the snapshot lacks a mart or column, or is damaged.
        """
        wanted = set(_PARAMETER.findall(query_text(name)))
        given = tuple(sorted((k, v) for k, v in parameters.items() if k in wanted))
        self.marts.update(marts_of(name))
        found = _answer(self.generation, str(self.generation.path), name, given)
        self._note_estimates(name, found)
        return found

    def _note_estimates(self, name: str, found: pl.DataFrame) -> None:
        """Remember how many of a query's rows are estimates, by the columns that say so."""
        said = [c for c in ESTIMATED if c in found.columns]
        if said and found.height:
            estimates = found.select(
                pl.any_horizontal(pl.col(c).is_in(list(ESTIMATED[c])) for c in said).sum()).item()
            self.estimated[name] = (estimates or 0, found.height)

    @property
    def estimated_ratio(self) -> float:
        """The share of estimates among the rows that say how they are known; 0 when none does."""
        rows = sum(height for _, height in self.estimated.values())
        return sum(n for n, _ in self.estimated.values()) / rows if rows else 0.0

    def row(self, name: str, **parameters: object) -> dict[str, Any] | None:
        """The only row of a query; None when there is none."""
        return next(self.rows(name, **parameters).iter_rows(named=True), None)


def open_newest(layout: Layout, *, processes: int = 1) -> Reader | None:
    """A reader of the newest generation; None before the first was published.

    Args:
        layout: which warehouse.
        processes: how many serve the same pages; memory and threads are divided among them.

    Raises:
        WarehouseError: the pointer is wrong or the snapshot cannot be opened.
    """
    path = layout.newest_snapshot()
    return None if path is None else Reader(_open(str(path), layout, processes))


def watch_token(layout: Layout) -> str:
    """What changes when another generation is current: one small file is read."""
    try:
        path = layout.newest_snapshot()
    except WarehouseError as error:
        return f"broken: {error.seen}"
    return "unpublished" if path is None else path.name


# No on_release: a session may still read a generation that left the cache. A connection closes
# when nobody refers to it any more.
@st.cache_resource(max_entries=KEPT_OPEN, show_spinner=False)
def _open(path: str, _layout: Layout, _processes: int) -> Generation:
    return Generation(Path(path), open_snapshot(_layout, path=Path(path),
                                                share=Share(_processes, KEPT_OPEN)))


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _answer(_generation: Generation, path: str, name: str,
            parameters: tuple[tuple[str, object], ...]) -> pl.DataFrame:
    try:
        cursor = _generation.connection.cursor()
        cursor.execute("use snapshot.marts")        # a cursor does not inherit it
        rows: pl.DataFrame = cursor.sql(query_text(name), params=dict(parameters)).pl()
        return rows
    except duckdb.Error as error:
        raise WarehouseError(
            f"The query {name} failed on {path} ({error}).",
            expected="a snapshot with the marts of this version",
            next_step="run `windsock run`, then `windsock publish`") from error
