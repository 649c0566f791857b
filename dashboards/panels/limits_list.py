"""Limits: which there are, what they cost, how long they were full. Pure but for the filters.

    limits__waits + limits__full + limits__sizes  ->  one row a limit, the most costly first

Waits are summed by day (UTC), so a window is whole days: from the midnight before it begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st

from dashboards import format as fmt
from dashboards import frame, html_tables, links
from dashboards.markup import Markup, write
from dashboards.panels import list_parts, words

WINDOWS: dict[str, timedelta] = {"24 h": timedelta(hours=24), "7 d": timedelta(days=7),
                                 "30 d": timedelta(days=30)}
DEFAULT_WINDOW = "7 d"
ROW_LIMIT = 2000
ALWAYS_KIND = "pool"        # few of them, and what people know as a limit
KEYS = ["cluster", "limit_kind", "limit_name"]
COSTLIEST = html_tables.Order("wait_seconds", True)
FIRST = 12                  # the detail stands below them; the others are one link away
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Window:
    """A stretch of whole days (UTC) that ends at what the data is as of."""

    name: str
    as_of: datetime

    @property
    def since(self) -> datetime:
        """Midnight, UTC."""
        begin = self.as_of - WINDOWS[self.name]
        return begin.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def seconds(self) -> float:
        """Its length."""
        return fmt.seconds(self.since, self.as_of)

    @property
    def is_short(self) -> bool:
        """Whether it is drawn by the hour."""
        return WINDOWS[self.name] <= timedelta(hours=24)

    @property
    def words(self) -> str:
        """`since Sun 15 Nov`."""
        return f"since {self.since:%a} {self.since.day} {self.since:%b}"

    def parameters(self) -> dict[str, date]:
        """Its first and last day."""
        return {"since_date": self.since.date(), "until_date": self.as_of.date()}


def bar(clusters: list[str]) -> tuple[str, str]:
    """Draw the filters; the chosen cluster (empty: all) and window."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small",
                      key="ws_limit_filters"):
        cluster = list_parts.choice("cluster", "Cluster", clusters, "All clusters", width=220)
        window = st.selectbox("Window", list(WINDOWS), key="window", width=120,
                              index=list(WINDOWS).index(DEFAULT_WINDOW), bind="query-params")
    return cluster, window or DEFAULT_WINDOW


def read(page: frame.Page, cluster: str, window: Window) -> pl.DataFrame:
    """One row a limit that cost something, was full, or is a pool."""
    asked = {"cluster": cluster or None, "row_limit": ROW_LIMIT, **window.parameters()}
    waits = page.reader.rows("limits__waits", **asked)
    full = page.reader.rows("limits__full", **asked)
    names = sorted({*waits["limit_name"], *full["limit_name"], ""})
    sizes = page.reader.rows("limits__sizes", cluster=cluster or None, always_kind=ALWAYS_KIND,
                             names=names, row_limit=ROW_LIMIT)
    return joined_up(waits, full, sizes, window.seconds)


def joined_up(waits: pl.DataFrame, full: pl.DataFrame, sizes: pl.DataFrame,
              seconds: float) -> pl.DataFrame:
    """The three frames as one row a limit.

    A pool is full earlier for a task that needs more slots; counted is the smallest need. What is
    counted within each run can be full in several runs at once, so it has no share of the time.

    Args:
        waits: a row a limit: KEYS, wait_seconds, instance_count, run_count, dag_count.
        full: a row a limit and need: KEYS, need_count, full_seconds, counted_count, limit_run_id.
        sizes: rows of dim_limits; of a name that two kinds share, both.
        seconds: length of the window.

    Returns:
        KEYS, the measures of all three, full_ratio; sorted by wait_seconds, then full_seconds.
    """
    smallest = full.sort("need_count").unique(KEYS, keep="first", maintain_order=True).drop(
        "need_count")
    known = pl.concat([frame.select(KEYS) for frame in (waits, smallest)]).unique()
    wanted = pl.concat([known, sizes.filter(pl.col("limit_kind") == ALWAYS_KIND).select(KEYS)])
    rows = wanted.unique().join(waits, on=KEYS, how="left").join(
        smallest, on=KEYS, how="left").join(sizes, on=KEYS, how="left")
    is_by_run = (pl.col("limit_run_id").fill_null("") != "") | pl.col(
        "is_counted_by_run").fill_null(value=False)
    return rows.with_columns(
        pl.col("wait_seconds", "full_seconds").fill_null(0.0),
        pl.col("instance_count", "run_count", "dag_count").cast(pl.Int64).fill_null(0),
        is_by_run=is_by_run,
    ).with_columns(
        full_ratio=pl.when(pl.col("is_by_run")).then(None).otherwise(
            (pl.col("full_seconds") / seconds).clip(0.0, 1.0)) if seconds > 0 else pl.lit(None),
    ).sort("wait_seconds", "full_seconds", *KEYS, descending=[True, True, False, False, False])


def chosen(rows: pl.DataFrame, kind: str, name: str) -> dict[str, Any] | None:
    """The limit that the address names; without one the most costly that ever held work up."""
    if kind and name:
        named = rows.filter((pl.col("limit_kind") == kind) & (pl.col("limit_name") == name))
        return next(named.iter_rows(named=True), None)
    costly = rows.filter((pl.col("wait_seconds") > 0) | (pl.col("full_seconds") > 0))
    return next(costly.iter_rows(named=True), None)


def shown(rows: pl.DataFrame, order: html_tables.Order, picked: Row | None, *,
          has_all: bool) -> pl.DataFrame:
    """The rows of the table: without `has_all` the first that did something, and the picked one."""
    ordered = html_tables.in_order(rows, order)
    if has_all:
        return ordered.head(list_parts.SHOWN)
    did = (pl.col("wait_seconds") > 0) | (pl.col("full_seconds") > 0)
    first = ordered.filter(did).head(FIRST)
    if picked is None:
        return first
    is_picked = pl.all_horizontal(pl.col(k) == picked[k] for k in KEYS)
    if first.filter(is_picked).height:
        return first
    return pl.concat([first, ordered.filter(is_picked)])


def count(shown_: pl.DataFrame, rows: pl.DataFrame) -> str:
    """`3 limits`, or `3 of 49 limits`."""
    if shown_.height == rows.height:
        return fmt.count(rows.height, "limit")
    return f"{fmt.count(shown_.height)} of {fmt.count(rows.height, 'limit')}"


def text(row: Row) -> Markup:
    """A limit in words: `pool etl`."""
    return words.limit(f"{row['limit_kind']}:{row['limit_name']}")


def sentence(rows: pl.DataFrame, waiters: pl.DataFrame, window: Window,
             many_clusters: bool) -> Markup:
    """What the most costly limit cost, whom, and what the others did.

    Args:
        rows: as `joined_up` returns them.
        waiters: whose runs waited for the first of them, the most first.
        window: what they are of.
        many_clusters: whether its cluster has to be named.
    """
    costly = rows.filter(pl.col("wait_seconds") > 0).to_dicts()
    if not costly:
        return write('<b class="ws-good">No limit held work up</b> {since}: no run ended later '
                     "because one was full.", since=window.words)
    worst, rest = costly[0], costly[1:]
    most = waiters.row(0, named=True) if waiters.height else None
    others = sum(one["wait_seconds"] for one in rest)
    return write(
        "<b>{limit}{cluster} cost {time}</b> of waiting on critical paths {since}{most}{others}.",
        limit=_opening(worst), time=fmt.duration(worst["wait_seconds"]),
        cluster=write(" on {name}", name=words.name(worst["cluster"])) if many_clusters
        else Markup(""), since=window.words,
        most=Markup("") if most is None else write(
            ", {share}{dag}", share="all of it " if waiters.height == 1 else
            f"{fmt.percent(most['wait_seconds'] / worst['wait_seconds'])} of it ",
            dag=list_parts.dag({**most, "cluster": worst["cluster"]})),
        others=write("; {n} cost {time} more", n=fmt.count(len(rest), "other limit"),
                     time=fmt.duration(others)) if rest else Markup(""))


def _opening(row: Row) -> Markup:
    """A limit at the beginning of a sentence."""
    if row["limit_kind"] == ALWAYS_KIND:
        return write("Pool {name}", name=words.name(row["limit_name"]))
    return text(row)


def size(row: Row) -> Markup:
    """How large a limit is now, or why that is not known."""
    if row["is_in_force"] is False and row["limit_kind"] == ALWAYS_KIND:
        return write('<span class="ws-bad">there is no such pool</span>')
    if row["is_known"] is None or not row["is_known"]:
        return write('<span class="ws-quiet" title="{why}">not known</span>',
                     why="Airflow's database does not have it; windsock.toml can tell"
                     if row["limit_kind"] == "parallelism" else "It is gone from Airflow")
    if row["size_count"] is None:
        return write("unlimited")
    return write("{n}{unit}{gone}", n=fmt.count(row["size_count"]),
                 unit=" a run" if row["is_counted_by_run"] else "",
                 gone=write(' <span class="ws-chip">gone</span>') if not row["is_in_force"]
                 else Markup(""))


def table(rows: pl.DataFrame, order: html_tables.Order, query: Mapping[str, str],
          picked: Row | None, many_clusters: bool) -> Markup:
    """A row a limit, in their order; its name leads to who waited for whom."""
    made = html_tables.Column
    most = max([*rows["wait_seconds"].to_list(), 1.0])
    columns = [
        made("Limit", lambda r: _name(r, query), sort="limit_name", width="12rem"),
        *([made("Cluster", lambda r: r["cluster"], sort="cluster")] if many_clusters else []),
        made("Size now", size, "right", "size_count"),
        made("Cost", lambda r: _cost(r, most), "right", "wait_seconds", width="6rem",
             hint="Waiting on critical paths while it was full: what made runs later"),
        made("Runs", lambda r: _count(r["run_count"]), "right", "run_count",
             hint="Runs that waited; a run counts on each of its days"),
        made("DAGs", lambda r: _count(r["dag_count"]), "right", "dag_count",
             hint="DAGs that waited"),
        made("Time full", _full, "right", "full_seconds",
             hint="For a task that needs one slot, or as few as any here does"),
        made("Share", _share, "right", "full_ratio", hint="Of the time in the window"),
    ]
    return html_tables.table(
        rows.iter_rows(named=True), columns, label="Limits", order=order, query=query,
        chosen=None if picked is None else lambda r: all(r[k] == picked[k] for k in KEYS))


def order(asked: str | None) -> html_tables.Order:
    """How the URL asks for the table to be sorted."""
    name = (asked or "").removeprefix("-")
    if name not in ("limit_name", "cluster", "size_count", "wait_seconds", "run_count",
                    "dag_count", "full_seconds", "full_ratio"):
        return COSTLIEST
    return html_tables.Order(name, (asked or "").startswith("-"))


def _name(row: Row, query: Mapping[str, str]) -> Markup:
    kept = {name: query[name] for name in ("window", "sort", "list") if query.get(name)}
    label = links.link("limits", row["limit_name"], is_id=True, hint="Who waited for whom",
                       **{**kept, **{k: row[k] for k in KEYS}})
    return write('{label}<div class="ws-hit-under">{kind}</div>', label=label,
                 kind=row["limit_kind"])


def _cost(row: Row, most: float) -> Markup:
    if not row["wait_seconds"]:
        return write('<span class="ws-quiet">nothing</span>')
    return write("{time}{bar}", time=words.lasting(row["wait_seconds"]),
                 bar=words.share_bar(row["wait_seconds"] / most))


def _count(number: int) -> str:
    return fmt.count(number) if number else ""


def _full(row: Row) -> Markup:
    if not row["full_seconds"]:
        return write('<span class="ws-quiet">never</span>')
    if row["is_by_run"]:
        return write('{time}<div class="ws-hit-under">in {runs}</div>',
                     time=words.lasting(row["full_seconds"]),
                     runs=fmt.count(row["counted_count"] or 1, "run"))
    return words.lasting(row["full_seconds"])


def _share(row: Row) -> Markup:
    if row["is_by_run"]:
        return write('<span class="ws-quiet" title="It is counted within each run, and several '
                     'runs can be full at once">by run</span>')
    return write("{share}", share=fmt.percent(row["full_ratio"]) if row["full_seconds"] else "")
