"""One limit: when it was full, who waited for it, and who held it meanwhile.

    daily sums, or by the hour full periods and steps  ->  rows a bucket  ->  charts.limit_history
    longest waits of critical paths  ->  their windows, merged  ->  tries in them  ->  holders
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, html_tables, links
from dashboards.markup import Markup, write
from dashboards.panels import list_parts, words
from dashboards.panels.limits_list import Window
from dashboards.panels.run_holders import Holder, Limit, holders

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEP_LIMIT, TRY_LIMIT, DAG_LIMIT = 20_000, 20_000, 1000
SHOWN_WAITS, HELD_WAITS, SHOWN = 10, 5, 10
Row = Mapping[str, Any]
Span = tuple[datetime, datetime]
_HISTORY: Mapping[str, Any] = {"bucket_at": pl.Datetime("us"), "wait_seconds": pl.Float64,
            "full_seconds": pl.Float64, "size_count": pl.Int64}


@dataclass(frozen=True)
class Subject:
    """The limit that the page is about, in a window."""

    page: frame.Page
    row: Row
    window: Window

    @property
    def cluster(self) -> str:
        """Its Airflow."""
        return str(self.row["cluster"])

    @property
    def limit(self) -> Limit:
        """Its kind and name."""
        return Limit(self.row["limit_kind"], self.row["limit_name"])

    def rows(self, query: str, row_limit: int = STEP_LIMIT) -> pl.DataFrame:
        """Rows of a query on this limit and window."""
        return self.page.reader.rows(
            query, cluster=self.cluster, limit_kind=self.limit.kind, limit_name=self.limit.name,
            limited_by=self.limit.text, since=self.window.since, row_limit=row_limit,
            **self.window.parameters())


def waiters(page: frame.Page, row: Row, window: Window) -> pl.DataFrame:
    """Whose runs waited for it, the most first."""
    return Subject(page, row, window).rows("limits__waiters", DAG_LIMIT)


def waits(subject: Subject) -> pl.DataFrame:
    """Steps that waited for it, longest first; one on both paths of a failed run once."""
    return subject.rows("limits__steps").sort(
        pl.col("path_kind") == "finish", descending=True, maintain_order=True).unique(
        ["dag_id", "run_id", "task_id", "map_index"], keep="first", maintain_order=True).sort(
        "limit_wait_seconds", descending=True, maintain_order=True)


# --- over time -----------------------------------------------------------------------------------


def history(subject: Subject, steps: pl.DataFrame) -> pl.DataFrame:
    """Its measures by hour (short windows) or day: bucket_at, wait_, full_seconds, size_count."""
    window = subject.window
    if window.is_short:
        return by_hour(steps, subject.rows("limits__periods"), window.since, window.as_of)
    return by_day(subject.rows("limits__daily_waits"), subject.rows("limits__daily_full"),
                  window.since, window.as_of)


def by_day(waited: pl.DataFrame, full: pl.DataFrame, since: datetime,
           until: datetime) -> pl.DataFrame:
    """A row a day (UTC), days of nothing included.

    Args:
        waited: wait_date, wait_seconds; a row a day.
        full: full_date, need_count, full_seconds, highest_size_count; a row a day and need, of
            which the smallest counts.
        since: midnight of the first day (instant).
        until: an instant of the last day.
    """
    costs = dict(waited.select("wait_date", "wait_seconds").iter_rows())
    found = {row["full_date"]: row
             for row in full.sort("need_count", descending=True).iter_rows(named=True)}
    rows = []
    for begin in _buckets(since, until, DAY):
        day = found.get(begin.date(), {})
        rows.append({"bucket_at": begin, "wait_seconds": costs.get(begin.date(), 0.0),
                     "full_seconds": day.get("full_seconds", 0.0),
                     "size_count": day.get("highest_size_count")})
    return pl.DataFrame(rows, schema=_HISTORY)


def by_hour(steps: pl.DataFrame, periods: pl.DataFrame, since: datetime,
            until: datetime) -> pl.DataFrame:
    """A row an hour, hours of nothing included; a wait counts in the hour in which it began.

    Args:
        steps: ready_at (instant), limit_wait_seconds.
        periods: need_count, began_at, ended_at (instants), size_count; the smallest need counts.
        since: begin of the first hour (instant).
        until: an instant of the last hour.
    """
    begins = _buckets(since, until, HOUR)
    costs, fulls = dict.fromkeys(begins, 0.0), dict.fromkeys(begins, 0.0)
    sizes: dict[datetime, int] = {}
    for ready_at, seconds in steps.select("ready_at", "limit_wait_seconds").iter_rows():
        if (begin := _hour(ready_at)) in costs:
            costs[begin] += seconds
    least = periods["need_count"].min() if periods.height else None
    for row in periods.filter(pl.col("need_count") == least).iter_rows(named=True):
        begin = _hour(row["began_at"])
        while begin < row["ended_at"] and begin in fulls:
            fulls[begin] += fmt.seconds(max(begin, row["began_at"]),
                                        min(begin + HOUR, row["ended_at"]))
            sizes[begin] = max(row["size_count"], sizes.get(begin, 0))
            begin += HOUR
    return pl.DataFrame([{"bucket_at": b, "wait_seconds": costs[b], "full_seconds": fulls[b],
                          "size_count": sizes.get(b)} for b in begins], schema=_HISTORY)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _buckets(since: datetime, until: datetime, width: timedelta) -> list[datetime]:
    return [since + width * number for number in range((until - since) // width + 1)]


def sizes(rows: pl.DataFrame) -> list[int]:
    """The sizes that it had while it was full, in their order, each change once."""
    found: list[int] = []
    for size in rows["size_count"].drop_nulls():
        if not found or found[-1] != size:
            found.append(size)
    return found


# --- who waited for whom -------------------------------------------------------------------------


def wait_spans(steps: Iterable[Row], limit: Limit, *,
               is_by_run: bool) -> dict[tuple[tuple[str, str | None], ...], list[Span]]:
    """When the waits were, by what the limit counted for them, overlapping ones as one."""
    found: dict[tuple[tuple[str, str | None], ...], list[Span]] = {}
    for row in steps:
        until = row["queued_at"] or row["started_at"]
        scope = limit.scope({"dag_id": row["dag_id"], "run_id": row["run_id"]}, row["task_id"],
                            is_within_run=is_by_run)
        if until > row["ready_at"]:
            found.setdefault(tuple(sorted(scope.items())), []).append((row["ready_at"], until))
    return {scope: merged(spans) for scope, spans in found.items()}


def merged(spans: Sequence[Span]) -> list[Span]:
    """Spans that touch as one, in order."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def held(subject: Subject, steps: pl.DataFrame) -> list[Holder]:
    """Who held it during the longest waits: one holder a task and run, the most first."""
    limit, found = subject.limit, dict[tuple[str, str, str], Holder]()
    spans = wait_spans(steps.head(HELD_WAITS).iter_rows(named=True), limit,
                       is_by_run=bool(subject.row["is_by_run"]))
    for scope, windows in spans.items():
        for since, until in windows:
            tries = subject.page.reader.rows(
                "run__holders", cluster=subject.cluster, since=since, until=until,
                row_limit=TRY_LIMIT, **dict(scope))
            for one in holders(tries.iter_rows(named=True), since, until,
                               has_slots=limit.kind == "pool"):
                key = (one.dag_id, one.run_id, one.task_id)
                before = found.get(key)
                found[key] = one if before is None else Holder(
                    *key, max(one.count, before.count), one.slot_seconds + before.slot_seconds)
    return sorted(found.values(), key=lambda h: (-h.slot_seconds, h.dag_id, h.run_id, h.task_id))


def held_words(steps: pl.DataFrame) -> str:
    """`longest wait`, `3 longest waits`: of which waits `held` tells."""
    count = min(steps.height, HELD_WAITS)
    return "longest wait" if count == 1 else f"{fmt.count(count)} longest waits"


def waiters_table(subject: Subject, found: pl.DataFrame) -> Markup:
    """DAGs that waited, the most first."""
    total = found["wait_seconds"].sum() or 1.0
    made = html_tables.Column
    return html_tables.table(
        found.head(SHOWN).with_columns(cluster=pl.lit(subject.cluster)).iter_rows(named=True), [
            made("DAG", list_parts.dag),
            made("Waited", lambda r: write(
                "{time}{bar}", time=words.lasting(r["wait_seconds"]),
                bar=words.share_bar(r["wait_seconds"] / total)), "right"),
            made("Share", lambda r: fmt.percent(r["wait_seconds"] / total), "right"),
            made("Runs", lambda r: fmt.count(r["run_count"]), "right",
                 hint="A run counts on each of its days"),
            made("Tasks", lambda r: fmt.count(r["instance_count"]), "right",
                 hint="Task instances that waited"),
        ], label="DAGs that waited")


def waits_table(subject: Subject, found: pl.DataFrame) -> Markup:
    """The longest waits, each a link to the task in its run."""
    made = html_tables.Column
    return html_tables.table(found.head(SHOWN_WAITS).iter_rows(named=True), [
        made("Task", lambda r: _task(subject, r)),
        made("Waited", lambda r: words.lasting(r["limit_wait_seconds"]), "right"),
        made("From", lambda r: subject.page.moment(r["ready_at"]), "right"),
    ], label="The longest waits")


def holders_table(subject: Subject, found: Sequence[Holder]) -> Markup:
    """Who held it, the most first."""
    total = sum(h.slot_seconds for h in found) or 1.0
    made = html_tables.Column
    unit = "Slot-time" if subject.limit.kind == "pool" else "Held for"
    rows: list[dict[str, Any]] = [
        {"dag_id": h.dag_id, "run_id": h.run_id, "task_id": h.task_id, "map_index": -1,
         "holder": h} for h in found[:SHOWN]]
    return html_tables.table(rows, [
        made("Task", lambda r: _task(subject, r)),
        made("Tries", lambda r: fmt.count(r["holder"].count), "right"),
        made(unit, lambda r: write(
            "{time}{bar}", time=words.lasting(r["holder"].slot_seconds),
            bar=words.share_bar(r["holder"].slot_seconds / total)), "right",
            hint="Slots times the time of these waits in which they were held"),
        made("Share", lambda r: fmt.percent(r["holder"].slot_seconds / total), "right"),
    ], label="Who held it")


def _task(subject: Subject, row: Row) -> Markup:
    """A task in its run as a link, the DAG and run beneath."""
    where: dict[str, Any] = {"cluster": subject.cluster, "dag_id": row["dag_id"],
                             "run_id": row["run_id"]}
    index = row["map_index"]
    name = row["task_id"] if index < 0 else f"{row['task_id']} [{index}]"
    return write(
        '{task}<div class="ws-hit-under">{dag} · {run}</div>',
        task=links.link("run", name, is_id=True, **where, task_id=row["task_id"],
                        map_index=None if index < 0 else index),
        dag=links.link("dag", row["dag_id"], is_id=True, cluster=subject.cluster,
                       dag_id=row["dag_id"]),
        run=links.link("run", fmt.shorten(row["run_id"], 40), is_id=True, hint=row["run_id"],
                       **where))
