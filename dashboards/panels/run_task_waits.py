"""What one task instance waited for, and who held the limit meanwhile.

    instance (+ its step on the path)  ->  the wait  ->  limits that were full in it  ->  holders
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, html_tables, links
from dashboards.markup import Markup, joined, write
from dashboards.panels.run_data import SHOWN, Subject
from dashboards.panels.run_holders import Holder, Limit, holders, limit_of
from dashboards.panels.run_path import causes, fall
from dashboards.panels.run_sentence import limit_name
from dashboards.panels.run_terms import MICRO, between, of_step

MOST_HOLDERS = 10
TRIES = 20_000
_COUNTED_BY_RUN = ("max_active_tasks", "max_active_tis_per_dagrun")


@dataclass(frozen=True)
class Wait:
    """From when to when an instance waited, and how that is known."""

    since: datetime
    until: datetime
    limit: Limit | None
    is_estimated: bool


def draw(subject: Subject, row: dict[str, Any]) -> None:
    """The waits of the instance, then who held the limit."""
    _path(subject, row)
    wait = wait_of(subject, row)
    if wait is None:
        return
    periods = full_periods(subject, wait, row)
    limit = wait.limit or _longest(periods, wait)
    if limit is None:
        frame.say('<div class="ws-under">Before it started it waited {took}{estimated}; no limit '
                  "that applies to it was full then, as far as is known.</div>",
                  took=_length(wait), estimated=_estimated(wait))
        return
    mine = periods.filter((pl.col("limit_kind") == limit.kind)
                          & (pl.col("limit_name") == limit.name))
    _holders(subject, row, wait, limit, mine)


def _length(wait: Wait) -> str:
    return fmt.duration(between(wait.since, wait.until) / MICRO)


def _estimated(wait: Wait) -> Markup:
    return write(' <span class="ws-chip" title="This instance is not on the path, and the release '
                 "does not record when it became ready: counted from the end of the last task "
                 'before it">estimated</span>') if wait.is_estimated else Markup("")


def _path(subject: Subject, row: dict[str, Any]) -> None:
    """Its share of the run, where it is a step of a path."""
    for kind in subject.path_kinds:
        step = next((s for s in subject.steps(kind) if (s["task_id"], s["map_index"])
                     == (row["task_id"], row["map_index"])), None)
        if step is None:
            continue
        found = subject.slices(kind)
        own = of_step(found, step["step_number"])
        total = sum(one.length for one in found)
        reasons = causes(own)
        frame.say('<div class="ws-under">Its share of the run{waited}</div>{fall}',
                  waited=write(", waited for: {reasons}", reasons=reasons) if reasons else "",
                  fall=fall(own, total))
        return


def wait_of(subject: Subject, row: dict[str, Any]) -> Wait | None:
    """The wait before it started; None where it did not wait, or has not started."""
    step = next((s for kind in subject.path_kinds for s in subject.steps(kind)
                 if (s["task_id"], s["map_index"]) == (row["task_id"], row["map_index"])), None)
    if step is not None:
        wait = Wait(step["ready_at"], step["started_at"], limit_of(step["limited_by"]), False)
    else:
        until = row["started_at"] or (subject.as_of if row["state"] in ("queued", "scheduled")
                                      else None)
        since = row["scheduled_at"] or _ready(subject, row, until)
        if until is None or since is None:
            return None
        wait = Wait(since, until, None, row["scheduled_at"] is None)
    return wait if wait.until > wait.since else None


def _ready(subject: Subject, row: dict[str, Any], until: datetime | None) -> datetime | None:
    """When the last task before it ended, else when the run started."""
    run_start: datetime | None = subject.run["started_at"]
    if until is None or run_start is None:
        return None
    version = subject.version_key
    if version is None:
        queued: datetime | None = row["queued_at"]
        return queued or run_start
    edges = subject.page.reader.rows("run__edges", **subject.named, version_key=version)
    before = edges.filter(pl.col("downstream_task_id") == row["task_id"])["upstream_task_id"]
    ends = subject.instances.filter(
        pl.col("task_id").is_in(before.to_list()) & (pl.col("ended_at") <= until))["ended_at"]
    last: datetime = max([run_start, *ends.drop_nulls()])
    return last


def full_periods(subject: Subject, wait: Wait, row: dict[str, Any]) -> pl.DataFrame:
    """When limits that apply to it were full in the wait, cut to it."""
    names = {row["pool"] or "", subject.dag_id, f"{subject.dag_id}.{row['task_id']}",
             subject.cluster}
    rows = subject.page.reader.rows(
        "run__full_periods", **subject.named, since=wait.since, until=wait.until, no_run="",
        limit_name=None, row_limit=TRIES)
    need = row["pool_slot_count"] or 1
    kept = rows.filter(pl.col("limit_name").is_in(sorted(names)) & (
        pl.col("need_count") == pl.when(pl.col("limit_kind") == "pool").then(need).otherwise(1)))
    return kept.with_columns(
        began_at=pl.max_horizontal("began_at", pl.lit(wait.since)),
        ended_at=pl.min_horizontal("ended_at", pl.lit(wait.until))).filter(
        pl.col("ended_at") > pl.col("began_at"))


def _longest(periods: pl.DataFrame, wait: Wait) -> Limit | None:
    """The limit that was full longest."""
    if periods.is_empty():
        return None
    sums = periods.group_by("limit_kind", "limit_name").agg(
        full=(pl.col("ended_at") - pl.col("began_at")).sum()).sort(
        "full", "limit_kind", "limit_name", descending=[True, False, False])
    return Limit(sums["limit_kind"][0], sums["limit_name"][0])


def _holders(subject: Subject, row: dict[str, Any], wait: Wait, limit: Limit,
             periods: pl.DataFrame) -> None:
    """Who held the limit, for how many slot-seconds."""
    within_run = bool((periods["limit_run_id"] != "").any()) if periods.height else False
    tries = subject.page.reader.rows(
        "run__holders", cluster=subject.cluster, since=wait.since, until=wait.until,
        row_limit=TRIES, **limit.scope(subject.named, row["task_id"],
                                       is_within_run=within_run))
    me = (pl.col("dag_id") == subject.dag_id) & (pl.col("run_id") == subject.run_id) & (
        pl.col("task_id") == row["task_id"]) & (pl.col("map_index") == row["map_index"])
    found = holders(tries.filter(~me).iter_rows(named=True), wait.since, wait.until,
                    has_slots=limit.kind == "pool")
    with frame.section(
            "Who held {limit} <span>while this task waited {took}, from {since} to {until}"
            "{full}{estimated}</span>", limit=limit_name(limit.text), took=_length(wait),
            since=subject.page.moment(wait.since), until=subject.page.moment(wait.until),
            full=_full(periods), estimated=_estimated(wait)):
        if not found:
            frame.say('<div class="ws-under">No other recorded try held it then: it is too small '
                      "for this task, or not there.</div>")
            return
        frame.say("{table}", table=_table(subject, found, has_slots=limit.kind == "pool"))


def _full(periods: pl.DataFrame) -> str:
    if periods.is_empty():
        return ""
    length = sum(between(r["began_at"], r["ended_at"])
                 for r in periods.select("began_at", "ended_at").unique().iter_rows(named=True))
    sizes = "/".join(str(s) for s in sorted(set(periods["size_count"])))
    return f"; it was full for {fmt.duration(length / MICRO)} of that, at a size of {sizes}"


def _table(subject: Subject, found: list[Holder], *, has_slots: bool) -> Markup:
    column = html_tables.Column
    total = sum(h.slot_seconds for h in found)
    rows: list[dict[str, Any]] = [{"holder": h} for h in found[:MOST_HOLDERS]]
    unit = "Slot-seconds" if has_slots else "Held for"
    more = found[MOST_HOLDERS:SHOWN]
    table = html_tables.table(rows, [
        column("DAG", lambda r: links.link("dag", r["holder"].dag_id, is_id=True,
                                           cluster=subject.cluster, dag_id=r["holder"].dag_id)),
        column("Run", lambda r: links.link(
            "run", r["holder"].run_id, is_id=True, cluster=subject.cluster,
            dag_id=r["holder"].dag_id, run_id=r["holder"].run_id)),
        column("Task", lambda r: links.link(
            "run", r["holder"].task_id, is_id=True, cluster=subject.cluster,
            dag_id=r["holder"].dag_id, run_id=r["holder"].run_id,
            task_id=r["holder"].task_id)),
        column("Tries", lambda r: fmt.count(r["holder"].count), "right"),
        column(unit, lambda r: write(
            '<span title="{time}">{n}</span>', time=fmt.duration(r["holder"].slot_seconds),
            n=f"{r['holder'].slot_seconds:,.0f}" if has_slots
            else fmt.duration(r["holder"].slot_seconds)), "right",
            hint="Slots times the seconds of the wait in which they were held"),
        column("Share", lambda r: fmt.percent(r["holder"].slot_seconds / total), "right"),
    ], label="Who held the limit")
    rest = sum(h.slot_seconds for h in found[MOST_HOLDERS:])
    return joined([table, write(
        '<div class="ws-under">{n} more held {rest} of it.</div>', n=fmt.count(len(more)),
        rest=fmt.percent(rest / total)) if more else Markup("")], "")
