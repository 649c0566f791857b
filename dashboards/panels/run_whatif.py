"""What if the path's biggest tasks took less, or retries waited less, or a pool had more slots?

    marts' rows  ->  windsock.whatif_observed  ->  replay  ->  new end, and the path that decides

What the replay takes for granted: docs/statistics.md, "What if". Estimated by nature, and said so.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from dashboards import format as fmt
from dashboards import frame, html_tables
from dashboards.markup import Markup, joined, write
from dashboards.panels.run_data import INSTANCE_LIMIT, SHOWN, Subject
from dashboards.panels.run_path import percent_of
from dashboards.panels.run_terms import MICRO, between, micro, slices
from windsock.whatif import WhatIf
from windsock.whatif_observed import JOINT, Observed, Rows, observed_run

SLIDERS = 5
POOLS = 3
HOLDERS = 20_000
MOST_SLOTS = 10_000
# What a replay reads; the footer names them also when it is kept from before.
MARTS = ("dim_dag_versions", "dim_tasks", "fct_limit_full_periods", "fct_task_attempts",
         "fct_task_edges", "fct_task_instances")


@dataclass(frozen=True)
class Wish:
    """What a person changes.

    Attributes:
        factors: by task, 1: as it was.
        is_without_retry_waits: tries follow on one another at once.
        slots: size of pools, where it is another one.
    """

    factors: dict[str, float]
    is_without_retry_waits: bool
    slots: dict[str, int]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is changed."""
        return not (self.is_without_retry_waits or self.slots
                    or any(f != 1 for f in self.factors.values()))


@st.cache_resource(max_entries=8, show_spinner=False)
def observed(_subject: Subject, generation: str, *key: str) -> Observed:
    """The run as the replay takes it; kept while sliders move.

    Args:
        _subject: the run.
        generation: path of the snapshot, and
        key: of the run: what the answer is kept under.
    """
    del generation, key
    subject = _subject
    reader, named = subject.page.reader, subject.named
    version = subject.version_key
    edges = reader.rows("run__edges", **named, version_key=version).to_dicts() if version else []
    pools = full_pools(subject)
    return observed_run(Rows(
        run=subject.run | {"path_ended_at": subject.run["path_ended_at"] or subject.as_of},
        instances=subject.instances.to_dicts(),
        attempts=reader.rows("run__attempts", **named, task_id=None, map_index=None,
                             row_limit=2 * INSTANCE_LIMIT).to_dicts(),
        tasks=reader.rows("run__tasks", **named).to_dicts(), edges=edges,
        steps=subject.steps("finish"), pools=pools, holders=_holders(subject, pools),
        has_structure=version is not None))


def full_pools(subject: Subject) -> pl.DataFrame:
    """Pools that were full while the run went on and kept their size: those are replayed."""
    run = subject.run
    periods = subject.page.reader.rows(
        "run__full_periods", **subject.named, since=run["started_at"],
        until=run["path_ended_at"] or subject.as_of, no_run="", limit_name=None,
        row_limit=HOLDERS)
    used = set(subject.instances["pool"].drop_nulls().unique())
    sizes = periods.filter((pl.col("limit_kind") == "pool") & pl.col("limit_name").is_in(used))
    return sizes.group_by(pool="limit_name").agg(
        slot_count=pl.col("size_count").first(), n=pl.col("size_count").n_unique()).filter(
        pl.col("n") == 1).drop("n").sort("pool").head(POOLS)


def _holders(subject: Subject, pools: pl.DataFrame) -> pl.DataFrame:
    """What other runs held of those pools meanwhile."""
    run, until = subject.run, subject.run["path_ended_at"] or subject.as_of
    found = []
    for pool in pools["pool"]:
        rows = subject.page.reader.rows(
            "run__holders", cluster=subject.cluster, pool=pool, of_dag=None, of_run=None,
            of_task=None, since=run["started_at"], until=until, row_limit=HOLDERS)
        found += [{"pool": pool, "pool_slots": r["pool_slot_count"] or 1,
                   "started_at": min(x for x in (r["queued_at"], r["started_at"]) if x),
                   "ended_at": r["ended_at"] or until} for r in rows.iter_rows(named=True)
                  if (r["dag_id"], r["run_id"]) != (subject.dag_id, subject.run_id)
                  and r["pauses"] is None]
    return pl.DataFrame(found, schema={"pool": pl.String, "pool_slots": pl.Int64,
                                       "started_at": pl.Datetime("us"),
                                       "ended_at": pl.Datetime("us")})


def biggest(subject: Subject) -> list[tuple[str, float]]:
    """The tasks of the finish path that took longest, with their seconds on it."""
    sums: dict[str, int] = {}
    for one in slices(subject.run, subject.steps("finish")):
        if one.task_id is not None and one.term in ("running", "external"):
            sums[one.task_id] = sums.get(one.task_id, 0) + one.length
    ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:SLIDERS]
    return [(task, length / MICRO) for task, length in ranked]


def draw(subject: Subject) -> None:
    """The view: sliders, the sentence, the path that would decide."""
    if subject.run["started_at"] is None or not subject.steps("finish"):
        frame.say('<div class="ws-under">No task of this run has run, so there is nothing to '
                  "change.</div>")
        return
    seen = observed(subject, str(subject.page.reader.generation.path), *subject.named.values())
    subject.page.reader.marts.update(MARTS)
    answer = st.container()
    with frame.section("What if … <span>tasks of the path that took longest, as multiples of the "
                       "time they took</span>"):
        wish = _wish(subject, seen)
    found = seen.replay(wish.factors, without_retry_waits=wish.is_without_retry_waits,
                        pool_sizes=wish.slots)
    with answer:
        _answer(subject, wish, found)
    with frame.section("The path that would decide <span>estimated: waits for the scheduler and "
                       "workers are kept, waits for pools that were full are worked out anew"
                       "</span>"):
        frame.say("{table}", table=_path(subject, found))


def _wish(subject: Subject, seen: Observed) -> Wish:
    """The widgets; each stands in the URL by its place: x1 is the longest task's."""
    factors = {}
    for number, (task, seconds) in enumerate(biggest(subject), 1):
        name, control = st.columns([2, 3], vertical_alignment="center")
        with control:
            factor = st.slider(f"Factor of task {number}", 0.0, 2.0, 1.0, 0.05, key=f"x{number}",
                               format="%.2f \N{MULTIPLICATION SIGN}", bind="query-params",
                               label_visibility="collapsed")
        factors[task] = factor
        with name:
            frame.say('{task} <span class="ws-quiet">{was}{now}</span>',
                      task=subject.task_link(task), was=fmt.duration(seconds),
                      now="" if factor == 1 else f" → {fmt.duration(seconds * factor) or '0 s'}")
    is_without = bool(seen.retry_waits) and st.toggle(
        "Without the pauses before retries", key="no_retry", bind="query-params")
    return Wish(factors, is_without, _slots(seen))


def _slots(seen: Observed) -> dict[str, int]:
    """More slots for the pools that were full."""
    wanted = {}
    pools = seen.run.pools
    for number, (pool, size) in enumerate(
            () if pools is None else pools.select("pool", "slot_count").iter_rows(), 1):
        name, control = st.columns([2, 3], vertical_alignment="center")
        with name:
            frame.say('Slots of pool <span class="ws-id">{pool}</span> <span class="ws-quiet">it '
                      "had {size}</span>", pool=pool, size=fmt.count(size))
        with control:
            slots = st.number_input(f"Slots of pool {number}", size, max(size, MOST_SLOTS), size,
                                    key=f"slots{number}", bind="query-params",
                                    label_visibility="collapsed")
        if slots > size:
            wanted[pool] = int(slots)
    return wanted


def _answer(subject: Subject, wish: Wish, found: WhatIf) -> None:
    run = subject.run
    was = between(run["started_at"], run["path_ended_at"] or subject.as_of)
    new = max(0, was - micro(found.saved_seconds))
    if wish.is_empty:
        frame.say('<div class="ws-answer">Took <b>{was}</b>. Move a slider to see what the run '
                  "would have taken.</div>", was=fmt.duration(was / MICRO))
    else:
        frame.say(
            '<div class="ws-answer">Would have taken <b>{new}</b> instead of {was}: '
            '<b class="{ink}">{change}</b>, ended {at}. '
            '<span class="ws-chip" title="A replay, not a measurement: docs/statistics.md, What '
            'if">estimated</span></div>', new=fmt.duration(new / MICRO),
            was=fmt.duration(was / MICRO), at=subject.page.moment(found.ended_at),
            ink="ws-good" if new < was else "ws-bad" if new > was else "",
            change=f"{fmt.duration((was - new) / MICRO)} sooner" if new < was else
            f"{fmt.duration((new - was) / MICRO)} later" if new > was else "no sooner")
    longest = max(was, new)
    frame.say('<div class="ws-bar"><span class="ws-seg ws-term-idle" style="width:{was}"><span>as '
              'it was {took}</span></span></div><div class="ws-bar"><span class="ws-seg '
              'ws-term-running" style="width:{new}"><span>what if {would}</span></span></div>',
              was=Markup(percent_of(was, longest)), new=Markup(percent_of(new, longest)),
              took=fmt.duration(was / MICRO), would=fmt.duration(new / MICRO))


def _path(subject: Subject, found: WhatIf) -> Markup:
    """The steps of the new path; those that were not on the old one are marked."""
    rows = found.instances.filter(
        pl.col("new_path_number").is_not_null() & (pl.col("map_index") > JOINT)
    ).sort("new_path_number").head(SHOWN)
    column = html_tables.Column
    start = subject.run["started_at"]

    def length(begin: str, end: str) -> Any:
        return lambda r: fmt.duration(between(r[begin], r[end]) / MICRO) or "0 s"

    return html_tables.table(rows.iter_rows(named=True), [
        column("Task", lambda r: joined([
            subject.task_link(r["task_id"], r["map_index"]),
            write('<span class="ws-chip">new on the path</span>')
            if r["path_number"] is None else Markup("")], " ")),
        column("Would begin", lambda r: subject.page.moment(r["new_started_at"])),
        column("Would take", length("new_started_at", "new_ended_at"), "right"),
        column("Took", length("started_at", "ended_at"), "right"),
        column("Ends after", lambda r: fmt.duration(between(start, r["new_ended_at"]) / MICRO),
               "right", hint="After the run's start"),
    ], label="Path of the replay")
