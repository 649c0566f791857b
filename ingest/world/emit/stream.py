"""What one cluster's database is told, in the order of time: days in bulk, then ticks.

    fill(day, T), fill(day, T), …, finish(T)  ->  inserts: a database as it is at T
    tick(A), tick(B), …                       ->  upserts: what changed since

Ids that a database gives in the order of commits (audit rows, updates of assets) are given here in
the order of instants, so that any number of ticks ends in the same rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from ingest.world.emit import rows
from ingest.world.emit.definitions import Definitions, LastRun
from ingest.world.emit.project import RUN, Numbered, Seen, at, numbered
from ingest.world.simulate import Day

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass
class Step:
    """What is written at once.

    Attributes:
        runs: rows of `dag_run`, `task_instance`, `task_instance_history`: new or changed.
        appended: rows that are new and never change.
        whole: rows of the tables that are written anew, where they changed.
    """

    runs: dict[str, pl.DataFrame] = field(default_factory=dict)
    appended: dict[str, pl.DataFrame] = field(default_factory=dict)
    whole: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass
class _Open:
    """A day that still changes: its rows, what they add, and what came before it."""

    day: Numbered
    audit: pl.DataFrame
    updates: pl.DataFrame
    run_base: int
    history_base: int


class Stream:
    """One cluster's flow of rows; it remembers what it has told."""

    def __init__(self, definitions: Definitions, *, audit_from: datetime = BEGINNING) -> None:
        self.definitions = definitions
        self.instant = BEGINNING
        self._audit_from = audit_from
        self._days: dict[date, _Open] = {}
        self._counts = {"run": 0, "history": 0, "log": 0, "event": 0}
        self._told: list[Numbered] = []
        self._appended_to = BEGINNING
        self._newest_updates = pl.DataFrame()
        self._last: dict[str, datetime] = {}
        self._told_whole: dict[str, list[dict[str, Any]]] = {}
        self._pending: dict[tuple[int, str], datetime] = {}

    @property
    def noun(self) -> str:
        """What the release calls assets."""
        return "asset" if self.definitions.is_3 else "dataset"

    def newest_id(self, counter: str) -> int:
        """The newest id of audit rows (`log`) or of updates of assets (`event`)."""
        return self._counts[counter]

    @property
    def told_days(self) -> list[Numbered]:
        """The days that the last `fill` or `tick` told of."""
        return self._told

    def fill(self, on: date, day: Day, instant: datetime) -> Step:
        """The rows of one day as they are at an instant, for a database that has none of them.

        Days come in their order, without a gap.
        """
        opened = self._open(on, day)
        self._told = [opened.day]
        seen = at(opened.day, instant)
        step = Step(runs=self._run_rows(opened, seen))
        end = datetime.combine(on, time(), UTC) + timedelta(days=1) - timedelta(microseconds=1)
        step.appended = self._append(min(end, instant))
        self._close(self._appended_to)
        return step

    def finish(self, instant: datetime) -> Step:
        """The rest after the last `fill`."""
        step = Step(appended=self._append(instant))
        step.whole = self._told_whole = self._whole(instant)
        self.instant = instant
        self._close(instant)
        return step

    def tick(self, until: datetime, simulate: Callable[[date], Day]) -> Step:
        """What changed since the last tick (or `finish`), and since `until` is."""
        for on in self._missing(until):
            self._open(on, simulate(on))
        self._told = [o.day for o in self._days.values()]
        step = Step(appended=self._append(until))
        parts: list[dict[str, pl.DataFrame]] = []
        for opened in self._days.values():
            seen = _touched(at(opened.day, until), self.instant)
            if seen.runs.height:
                parts.append(self._run_rows(opened, seen))
        step.runs = _stacked(parts)
        whole = self._whole(until)
        step.whole = {name: rows for name, rows in whole.items()
                      if rows != self._told_whole.get(name)}
        self._told_whole = whole
        self.instant = until
        self._close(until)
        return step

    def open_rows(self, instant: datetime) -> dict[str, pl.DataFrame]:
        """The rows of runs of all days that still change, as they are at an instant."""
        return _stacked([self._run_rows(o, at(o.day, instant)) for o in self._days.values()])

    def _missing(self, until: datetime) -> list[date]:
        """The days that have begun since the last tick."""
        last = self.instant.date()
        return [last + timedelta(days=n) for n in range(1, (until.date() - last).days + 1)]

    def _open(self, on: date, day: Day) -> _Open:
        own = numbered(day, self.definitions.cluster["cluster"])
        audit = rows.audit(own, self.definitions).filter(pl.col("dttm") >= self._audit_from)
        opened = _Open(own, audit, rows.asset_updates(own, self.definitions),
                       self._counts["run"], self._counts["history"])
        self._counts["run"] += own.runs.height
        self._counts["history"] += own.earlier_count
        self._days[on] = opened
        return opened

    def _close(self, instant: datetime) -> None:
        """Forget days of which nothing can change any more."""
        for on in list(self._days):
            over = self._days[on].day.is_over_at
            if over is not None and over <= instant and on < instant.date():
                del self._days[on]

    def _run_rows(self, opened: _Open, seen: Seen) -> dict[str, pl.DataFrame]:
        known = self.definitions
        return {
            "dag_run": rows.dag_runs(seen, known, opened.run_base),
            "task_instance": rows.task_instances(seen, known),
            "task_instance_history": rows.task_instance_history(seen, known, opened.history_base)}

    def _append(self, until: datetime) -> dict[str, pl.DataFrame]:
        """Audit rows, updates of assets and what they started, since the last time."""
        since, self._appended_to = self._appended_to, until
        days = list(self._days.values())
        if not days:
            return {}
        log = self._number("log", _window([d.audit for d in days], "dttm", since, until))
        updates = self._number(
            "event", _window([d.updates for d in days], "timestamp", since, until))
        made = [(d, d.day.runs.filter((pl.col("queued_at") > since)
                                      & (pl.col("queued_at") <= until))) for d in days]
        known = pl.concat([f for f in (self._newest_updates, updates) if f.width])
        started = pl.concat([rows.started_by(runs, known, self.definitions, d.run_base)
                             for d, runs in made])
        self._newest_updates = known.unique(f"{self.noun}_id", keep="last", maintain_order=True)
        self._remember(pl.concat([runs for _, runs in made]), updates)
        return {"log": log, f"{self.noun}_event": updates,
                f"dagrun_{self.noun}_event": started}

    def _number(self, counter: str, found: pl.DataFrame) -> pl.DataFrame:
        first = self._counts[counter] + 1
        self._counts[counter] += found.height
        return found.with_columns(id=pl.int_range(first, first + pl.len(), dtype=pl.Int64))

    def _remember(self, made: pl.DataFrame, updates: pl.DataFrame) -> None:
        """Note the newest scheduled run of each DAG, and what DAGs of several assets have."""
        scheduled = made.filter(pl.col("run_type") == "scheduled")
        newest = scheduled.group_by("dag_id").agg(pl.col("run_after_at").max())
        self._last |= dict(newest.iter_rows())
        waiting = {d["dag_id"]: {self.definitions.assets[u] for u in d["asset_uris"]}
                   for d in self.definitions.dags if len(d["asset_uris"] or ()) > 1}
        wanted = {a for assets in waiting.values() for a in assets}
        noun = f"{self.noun}_id"
        told = updates.filter(pl.col(noun).is_in(list(wanted))).select(
            "timestamp", noun).iter_rows()
        runs = made.filter(pl.col("dag_id").is_in(list(waiting))).select(
            "queued_at", "dag_id").iter_rows()
        for moment, what in sorted([*told, *runs], key=lambda one: one[0]):
            for dag_id, assets in waiting.items():
                if what == dag_id:
                    self._pending = {k: v for k, v in self._pending.items() if k[1] != dag_id}
                elif what in assets:
                    self._pending.setdefault((what, dag_id), moment)

    def _whole(self, instant: datetime) -> dict[str, list[dict[str, Any]]]:
        opened: dict[str, int] = {}
        for day in self._days.values():
            runs = day.day.runs.filter(
                (pl.col("queued_at") <= instant)
                & (pl.col("ended_at").is_null() | (pl.col("ended_at") > instant)))
            for dag_id in runs["dag_id"]:
                opened[dag_id] = opened.get(dag_id, 0) + 1
        latest = {d["dag_id"]: LastRun(self._last.get(d["dag_id"]), opened.get(d["dag_id"], 0))
                  for d in self.definitions.dags}
        queue = [{f"{self.noun}_id": asset, "target_dag_id": dag_id, "created_at": moment}
                 for (asset, dag_id), moment in sorted(self._pending.items())]
        return self.definitions.tables(instant, latest) | {f"{self.noun}_dag_run_queue": queue}


def _stacked(parts: list[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    return {name: pl.concat([p[name] for p in parts]) for name in (parts[0] if parts else {})}


def _window(parts: list[pl.DataFrame], column: str, since: datetime,
            until: datetime) -> pl.DataFrame:
    found = pl.concat([p.filter((pl.col(column) > since) & (pl.col(column) <= until))
                       for p in parts], how="diagonal_relaxed")
    return found.sort(column, *(n for n in found.columns if n != column), nulls_last=True)


def _touched(seen: Seen, since: datetime) -> Seen:
    """The runs of which anything changed after an instant, whole."""
    is_new = pl.col("updated_at") > since
    keys = pl.concat([f.filter(is_new).select(RUN)
                      for f in (seen.runs, seen.instances, seen.history)]).unique()
    runs, instances, history = (f.join(keys, on=RUN, how="semi")
                                for f in (seen.runs, seen.instances, seen.history))
    return Seen(runs, instances, history)
