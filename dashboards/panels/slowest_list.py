"""DAGs that got slower: the sentence, the table, and why in words. Pure but for the filters.

    slowest__dags + slowest__owners  ->  a row a DAG, the slowest first

Whether a DAG got slower, and by which part mostly, is decided by medians; how much each part gave,
by means, which add up (agg_dag_slowdowns says so). The bar of a row is of the means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from dashboards import format as fmt
from dashboards import html_tables, links
from dashboards.markup import Markup, joined, write
from dashboards.panels import list_parts, words

MINUS = "\N{MINUS SIGN}"
ROW_LIMIT, DAG_LIMIT = 20_000, 50_000
KINDS = {"own": "own work", "waiting": "waiting", "external": "the world",
         "inherited": "a later start"}
# column -> (what it is called, class of its ink); the first three add up to mean_slower_seconds
PARTS = {
    "own_slower_seconds": ("its own tasks", "ws-p-own"),
    "waiting_slower_seconds": ("waiting between tasks", "ws-p-waiting"),
    "external_slower_seconds": ("sensors waiting for the world", "ws-p-external"),
}
_TERMS = {
    "running": "runs longer", "retry_wait": "waits longer between tries",
    "deferred": "is deferred longer", "external_wait": "waits longer for the world",
    "past_run_wait": "waits longer for the run before",
    "scheduler_wait": "waits longer for the scheduler",
    "startup_wait": "waits longer for a worker", "handoff": "waits longer before it starts",
}
SLOWEST = html_tables.Order("slower_seconds", True)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Narrowing:
    """What the person asked for, by names of the URL; empty text means everything."""

    cluster: str
    owner: str
    team: str
    tier: str
    kind: str
    has_others: bool

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out by choice."""
        return bool(self.cluster or self.owner or self.team or self.tier or self.kind)

    def parameters(self) -> dict[str, object]:
        """Parameters of the queries."""
        kinds = {text: kind for kind, text in KINDS.items()}
        return {"cluster": self.cluster or None, "has_others": self.has_others,
                "slower_kind": kinds.get(self.kind)}


def bar(clusters: list[str], owners: pl.DataFrame) -> Narrowing:
    """Draw the filters in one row and return what they say."""
    def of(column: str) -> list[str]:
        return list_parts.present(owners[column].unique().to_list())

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small",
                      key="ws_slowest_filters"):
        cluster = list_parts.choice("cluster", "Cluster", clusters, "All clusters")
        owner = list_parts.choice("owner", "Owner", of("owner"), "All owners")
        team = list_parts.choice("team", "Team", of("team"), "All teams")
        tier = list_parts.choice("tier", "Tier", of("tier"), "All tiers", width=130)
        kind = list_parts.choice("kind", "Mostly by", KINDS.values(), "Any part", width=150)
        others = st.toggle("Also what is no anomaly", key="others", bind="query-params",
                           help="Show also what did not pass the anomaly rule: z of at least 3.5, "
                                "and slower by 20 % and 30 s at least")
    return Narrowing(cluster, owner, team, tier, kind, bool(others))


def narrowed(dags: pl.DataFrame, owners: pl.DataFrame, chosen: Narrowing) -> pl.DataFrame:
    """The DAGs with owner, team and tier, of those that were asked for.

    Args:
        dags: rows of slowest__dags.
        owners: cluster, dag_id, owner, team, tier; a row a DAG. One that is gone may be missing.
        chosen: what was asked for.
    """
    rows = dags.join(owners, on=["cluster", "dag_id"], how="left")
    for column in ("owner", "team", "tier"):
        if wanted := getattr(chosen, column):
            rows = rows.filter(pl.col(column) == wanted)
    return rows.sort("slower_seconds", "cluster", "dag_id", descending=[True, False, False])


def sentence(answer: Row, rows: pl.DataFrame, chosen: Narrowing, span: str) -> Markup:
    """How many got slower, and the worst of them with its numbers."""
    slower = rows.filter(pl.col("is_slower"))
    later = rows.filter(pl.col("is_later") & ~pl.col("is_slower")).height
    of = fmt.count(answer["dag_count"], "DAG that ran before too", "DAGs that ran before too")
    opening = "Of what the filters leave, " if chosen.is_narrowed else ""
    if slower.is_empty():
        none = "no DAG got slower" if opening else "No DAG got slower"
        return write('{opening}<b class="ws-good">{none}</b> in the last {span}, of {of}{later}.',
                     opening=opening, none=none, span=span, of=of, later=_later(later))
    worst = slower.row(0, named=True)
    return write(
        "{opening}<b>{slower} slower</b> in the last {span}, of {of}{later}. Most: {dag}, {before} "
        "→ {recent}, {why}.", opening=opening, slower=fmt.count(slower.height, "DAG got",
                                                                "DAGs got"),
        span=span, of=of, later=_later(later), dag=list_parts.dag(worst),
        before=words.lasting(worst["before_median_seconds"]),
        recent=words.lasting(worst["recent_median_seconds"]), why=why(worst))


def _later(count: int) -> str:
    return f"; {fmt.count(count)} more ended later, having started later" if count else ""


def why(row: Row) -> Markup:
    """Which part grew, and in which task, in words."""
    if row["slower_kind"] == "inherited":
        return write("mostly by a later start (created or queued {time} later)",
                     time=_grown(row["inherited_slower_seconds"]))
    if row["slower_kind"] == "not_slower":
        return _task(row) if row["main_task_id"] else write("no part of it grew")
    kind = {"own": "mostly by its own work", "waiting": "mostly by waiting",
            "external": "mostly by waiting for the world"}.get(
                row["slower_kind"], row["slower_kind"])
    if not row["main_task_id"]:
        return write("{kind}", kind=kind)
    return write("{kind}: {task}", kind=kind, task=_task(row))


def _task(row: Row) -> Markup:
    if row["main_term"] == "limit_wait":
        limit = words.limit(row["main_limited_by"]) if row["main_limited_by"] else "a limit"
        term: object = write("waits longer for {limit}", limit=_limit_link(row, limit))
    else:
        term = _TERMS.get(row["main_term"] or "", "takes longer")
    return write("{task} {term} ({more} a run)", term=term,
                 more=_grown(row["main_slower_seconds"]),
                 task=links.link("task", row["main_task_id"], is_id=True, cluster=row["cluster"],
                                 dag_id=row["dag_id"], task_id=row["main_task_id"]))


def _limit_link(row: Row, text: object) -> Markup:
    kind, _, name = (row["main_limited_by"] or "").partition(":")
    return links.link("limits", text, cluster=row["cluster"], limit_kind=kind,
                      limit_name=name) if name else write("{text}", text=text)


def _grown(seconds: float | None) -> str:
    if seconds is None:
        return "by an unknown time"
    return f"{'+' if seconds > 0 else ''}{fmt.duration(seconds)}"


def legend() -> Markup:
    """What the inks of the bars are."""
    return write('<div class="ws-under ws-p-legend">{parts} <span>left of the line: faster. Bars '
                 "are changes of the mean, which add up; medians decide what is slower.</span>"
                 "</div>", parts=joined([write(
                     '<span><i class="ws-p {ink}"></i> {name}</span>', ink=Markup(ink), name=name)
                     for name, ink in PARTS.values()], " "))


def table(rows: pl.DataFrame, order: html_tables.Order, query: Mapping[str, str],
          many_clusters: bool) -> Markup:
    """A row a DAG: before and now, by how much, by which parts, and why."""
    shown = html_tables.in_order(rows, order).head(list_parts.SHOWN).to_dicts()
    scale = extent(shown)
    made = html_tables.Column
    return html_tables.table(shown, [
        made("DAG", _dag, sort="dag_id", width="11rem"),
        *([made("Cluster", lambda r: r["cluster"], sort="cluster",
                width="5.5rem")] if many_clusters else []),
        made("Owner", list_parts.owner, sort="owner"),
        made("Tier", lambda r: r["tier"], "right", "tier", hint="1 is the most critical"),
        made("Before", lambda r: _median(r, "before"), "right", "before_median_seconds",
             hint="Median of the successful runs of the 28 days before"),
        made("Last 7 days", lambda r: _median(r, "recent"), "right", "recent_median_seconds",
             hint="Median of the successful runs of the last 7 days"),
        made("Slower by", _slower, "right", "slower_seconds"),
        made("By which part", lambda r: parts_bar(r, scale), width="9rem", hint=(
            "Change of the mean: its own tasks + waiting + sensors")),
        made("Why", lambda r: write("{why}{start}", why=why(r), start=_start(r)), width="14rem"),
    ], label="DAGs by how much slower they got", order=order, query=query)


def order(asked: str | None) -> html_tables.Order:
    """How the URL asks for the table to be sorted."""
    name = (asked or "").removeprefix("-")
    if name not in ("dag_id", "cluster", "owner", "tier", "before_median_seconds",
                    "recent_median_seconds", "slower_seconds"):
        return SLOWEST
    return html_tables.Order(name, (asked or "").startswith("-"))


def extent(rows: list[dict[str, Any]]) -> float:
    """The longest bar to one side, in seconds: all rows are drawn to it."""
    sides: list[float] = [sum(max(0.0, sign * row[part]) for part in PARTS)
                          for row in rows for sign in (1, -1)]
    return max([*sides, 1.0])


def parts_bar(row: Row, scale: float) -> Markup:
    """What each part gave, from a line in the middle: longer to the right, shorter to the left."""
    said = "; ".join(f"{name} {_grown(row[part])}" for part, (name, _) in PARTS.items())
    total = f"Mean {_grown(row['mean_slower_seconds'])}: {said}"

    def side(sign: int) -> Markup:
        return Markup("".join(write(
            '<i class="ws-p {ink}" style="width: {width}%"></i>', ink=Markup(ink),
            width=f"{max(0.0, sign * row[part]) / scale * 100:.1f}")
            for part, (_, ink) in PARTS.items() if sign * row[part] > 0))

    return write('<span class="ws-p-bar" role="img" aria-label="{said}" title="{said}">'
                 '<span class="ws-p-less">{less}</span><span class="ws-p-more">{more}</span>'
                 "</span>", said=total, less=side(-1), more=side(1))


def _dag(row: Row) -> Markup:
    chip = Markup("") if row["is_slower"] or row["is_later"] else write(
        ' <span class="ws-chip" title="It did not pass the anomaly rule">no anomaly</span>')
    return write("{dag}{chip}", dag=list_parts.dag(row), chip=chip)


def _median(row: Row, which: str) -> Markup:
    return write('{time}<div class="ws-hit-under">of {n}</div>',
                 time=words.lasting(row[f"{which}_median_seconds"]),
                 n=fmt.count(row[f"{which}_run_count"], "run"))


def _slower(row: Row) -> Markup:
    ratio = row["slower_ratio"]
    return write('<b>{time}</b><div class="ws-hit-under">{ratio}</div>',
                 time=_grown(row["slower_seconds"]),
                 ratio="" if ratio is None else
                 f"{'+' if ratio > 0 else MINUS if ratio < 0 else ''}{fmt.percent(abs(ratio))}")


def _start(row: Row) -> Markup:
    """A later start, where it is not what the row is about already."""
    if row["slower_kind"] == "inherited" or not row["is_later"]:
        return Markup("")
    return write('<div class="ws-hit-under">and starts {time} later</div>',
                 time=_grown(row["inherited_slower_seconds"])) if (
        row["inherited_slower_seconds"] or 0) > 0 else Markup("")
