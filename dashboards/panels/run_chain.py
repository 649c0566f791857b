"""Other DAGs' runs: what held this one up or made it start, and what waited for it.

    fct_run_chain_steps (the way back, a bar that adds up)  ·  fct_run_links (each link, both ways)
"""

from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, html_tables, links
from dashboards.markup import Markup, write
from dashboards.panels.run_data import SHOWN, Subject
from dashboards.panels.run_path import percent_of
from dashboards.panels.run_terms import MICRO, Row, between, micro

KINDS = {"sensor": "a task waited for it", "completion": "a task started it and waited for it",
         "trigger": "started by it", "asset": "started by an update of it"}
BASES = {"recorded": ("", ""),
         "logical_date": ("by date", "The run of the date that the sensor looks for"),
         "seed": ("configured", "Named in cross_cluster_links"),
         "trigger_window": ("estimated", "Made while a task ran that makes such runs")}


def awaited(subject: Subject) -> dict[tuple[str, int], Markup]:
    """What each waiting task waited for, as a link."""
    return {(r["task_id"], r["map_index"]): other_run(r)
            for r in subject.links.iter_rows(named=True)
            if r["task_id"] is not None and r["upstream_dag_id"] is not None}


def other_run(row: Row) -> Markup:
    """The other run of a link: its DAG, linked to the run where it is known."""
    if row["upstream_run_id"] is None:
        return write('<span class="ws-id">{dag}</span>', dag=row["upstream_dag_id"] or "unknown")
    return links.link("run", row["upstream_dag_id"], is_id=True, hint=row["upstream_run_id"],
                      cluster=row["upstream_cluster"], dag_id=row["upstream_dag_id"],
                      run_id=row["upstream_run_id"])


def draw(subject: Subject) -> None:
    """The view: the chain, then every link of this run in both directions."""
    chain = subject.page.reader.rows("run__chain", **subject.named, row_limit=SHOWN)
    followers = subject.page.reader.rows("run__followers", **subject.named, row_limit=SHOWN)
    if subject.links.is_empty() and followers.is_empty():
        frame.say('<div class="ws-answer">No other DAG held this run up, and none waited for it, '
                  "as far as is recorded.</div>"
                  '<div class="ws-under">Looked for: sensors, triggered runs, assets and datasets, '
                  "and what cross_cluster_links names (docs/links.md).</div>")
        return
    if chain.height > 1:
        _chain(subject, chain)
    if not subject.links.is_empty():
        with frame.section("What it waited for, or what started it <span>{n}</span>",
                           n=fmt.count(subject.links.height, "link")):
            frame.say("{table}", table=html_tables.table(
                subject.links.iter_rows(named=True), _link_columns(subject),
                label="What this run waited for"))
    if not followers.is_empty():
        with frame.section("What waited for it, or was started by it <span>{n}</span>",
                           n=fmt.count(followers.height, "link")):
            frame.say("{table}", table=html_tables.table(
                followers.iter_rows(named=True), _follower_columns(subject),
                label="What waited for this run"))


def _chain(subject: Subject, chain: pl.DataFrame) -> None:
    """The way back from this run, each run's own share as a bar."""
    total = sum(micro(s) for s in chain["own_seconds"])
    first = chain.row(0, named=True)
    largest = chain.sort("own_seconds", descending=True).row(0, named=True)
    frame.say(
        '<div class="ws-answer">{share} of the {total} from the start of {first} to the end of '
        "this run is {largest} ({took}).</div>", total=fmt.duration(total / MICRO),
        share=fmt.percent(largest["own_seconds"] * MICRO / total) if total else "",
        first=other_run(first), largest=_mine_or(subject, largest),
        took=fmt.duration(largest["own_seconds"]))
    cut = " <span>it may go on farther back: followed so far and no further</span>" \
        if first["is_cut"] else ""
    at = 0
    rows: list[dict[str, Any]] = []
    for row in chain.iter_rows(named=True):
        rows.append({**row, "at": at})
        at += micro(row["own_seconds"])
    column, page = html_tables.Column, subject.page
    with frame.section("The chain of runs that led to its end{cut}", cut=Markup(cut)):
        frame.say("{table}", table=html_tables.table(rows, [
            column("Run of", lambda r: _mine_or(subject, r)),
            column("Cluster", lambda r: write('<span class="ws-id">{c}</span>',
                                              c=r["upstream_cluster"])),
            column("When", lambda r: _bar(r["at"], micro(r["own_seconds"]), total),
                   width="20rem"),
            column("Its share", lambda r: fmt.duration(r["own_seconds"]), "right"),
            column("From", lambda r: page.moment(r["began_at"])),
            column("Let the next go by", lambda r: _how(r)),
            column("Noticed after", lambda r: fmt.duration(r["detection_lag_seconds"]), "right"),
        ], label="Chain of runs", chosen=lambda r: _is_mine(subject, r)))


def _is_mine(subject: Subject, row: Row) -> bool:
    return (row["upstream_cluster"], row["upstream_dag_id"], row["upstream_run_id"]) == (
        subject.cluster, subject.dag_id, subject.run_id)


def _mine_or(subject: Subject, row: Row) -> Markup:
    if _is_mine(subject, row):
        return write('<b class="ws-id">{dag}</b> (this run)', dag=subject.dag_id)
    return other_run(row)


def _how(row: Row) -> Markup:
    """How the next run of the chain hangs on this one."""
    if row["link_kind"] is None:
        return Markup("")
    what = row["asset_name"] or row["upstream_task_id"] or "its end"
    word, why = BASES.get(row["link_basis"] or "", ("", ""))
    return write('{kind} <span class="ws-id">{what}</span>{basis}', kind=row["link_kind"],
                 what=what, basis=chip(word, why))


def chip(word: str, why: str) -> Markup:
    """A word with its reason on hover; nothing for no word."""
    return write(' <span class="ws-chip" title="{why}">{word}</span>', word=word,
                 why=why) if word else Markup("")


def _bar(begin: int, length: int, total: int) -> Markup:
    return write('<span class="ws-fall"><span class="ws-seg ws-term-running" style="left:{left};'
                 'width:{width}"></span></span>', left=Markup(percent_of(begin, total)),
                 width=Markup(percent_of(length, total)))


def _link_columns(subject: Subject) -> list[html_tables.Column]:
    column, page = html_tables.Column, subject.page
    return [
        column("Other run", lambda r: write(
            "{run}{basis}", run=other_run(r),
            basis=chip(*BASES.get(r["link_basis"] or "", ("not known", "")))
            if r["upstream_run_id"] is not None else chip("run not known", "docs/links.md"))),
        column("Cluster", lambda r: write('<span class="ws-id">{c}</span>',
                                          c=r["upstream_cluster"] or "")),
        column("How", lambda r: KINDS.get(r["link_kind"], r["link_kind"])),
        column("Through", lambda r: _through(r)),
        column("Task here", lambda r: subject.task_link(r["task_id"], r["map_index"])
               if r["task_id"] is not None else ""),
        column("Waited", lambda r: fmt.duration(
            between(r["wait_began_at"], r["wait_ended_at"]) / MICRO)
            if r["wait_ended_at"] is not None else "", "right"),
        column("It ended", lambda r: page.moment(r["external_ended_at"], "not yet")),
        column("Noticed after", lambda r: fmt.duration(r["detection_lag_seconds"]), "right"),
        column("On the path", lambda r: "" if r["path_step_number"] is None
               else f"step {r['path_step_number']}"),
    ]


def _through(row: Row) -> Markup:
    name = row["asset_name"] or row["upstream_task_id"] or row["upstream_task_group_id"]
    return write('<span class="ws-id">{name}</span>', name=name) if name else write("its end")


def _follower_columns(subject: Subject) -> list[html_tables.Column]:
    column = html_tables.Column
    return [
        column("Run of", lambda r: links.link(
            "run", r["dag_id"], is_id=True, hint=r["run_id"], cluster=r["cluster"],
            dag_id=r["dag_id"], run_id=r["run_id"])),
        column("Cluster", lambda r: write('<span class="ws-id">{c}</span>', c=r["cluster"])),
        column("How", lambda r: {"sensor": "waited for this run", "trigger": "started by this run",
                                 "completion": "started this run and waited for it",
                                 "asset": "started by an update of it"}.get(
                                     r["link_kind"], r["link_kind"])),
        column("Noticed after", lambda r: fmt.duration(r["detection_lag_seconds"]), "right"),
        column("Made it late", lambda r: "" if r["path_step_number"] is None
               else f"on its path, step {r['path_step_number']}"),
    ]
