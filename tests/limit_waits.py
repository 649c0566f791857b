"""What steps waited for full limits, counted plainly: the oracle of `int_limits__*`.

    tries and sizes of a built warehouse -> used slots at every change -> full seconds of each wait

Every limit is a list of changes; a wait is cut at every change of any limit that applies to it.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import duckdb

Scope = tuple[str, str, str, str]       # cluster, limit_kind, limit_name, run (or "")
StepKey = tuple[str, str, str, str, int]


class Charge(NamedTuple):
    """What a step waited while some limit was full, and how long each one was."""

    microseconds: int
    by_limit: dict[str, int]


@dataclass
class Limit:
    """Used slots of one limit over time."""

    changes: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    at: list[int] = field(default_factory=list)
    used: list[int] = field(default_factory=list)

    def hold(self, begin: int, end: int, slots: int) -> None:
        """Somebody takes slots for a while."""
        if begin < end:
            self.changes[begin] += slots
            self.changes[end] -= slots

    def settle(self) -> None:
        """No more holds: sum them up."""
        self.at = sorted(self.changes)
        self.used = list(accumulate(self.changes[at] for at in self.at))

    def used_at(self, instant: int) -> int:
        """Slots in use from this instant on, until the next change."""
        place = bisect_right(self.at, instant)
        return self.used[place - 1] if place else 0

    def between(self, begin: int, end: int) -> list[int]:
        """Changes inside a wait."""
        return self.at[bisect_right(self.at, begin):bisect_left(self.at, end)]


def charges(con: duckdb.DuckDBPyConnection) -> dict[StepKey, Charge]:
    """Every step that was queued, with what it waited for full limits."""
    now = dict(_rows(con, "select cluster, epoch_us(observed_at) from int_changes__clusters"))
    by_run = dict(_rows(con, "select cluster, is_counted_by_run from int_changes__clusters"))
    sizes = {(c, k, n): s for c, k, n, s in _rows(
        con, "select cluster, limit_kind, limit_name, size_count from int_limits__sizes")}
    limits: dict[Scope, Limit] = defaultdict(Limit)
    for cluster, dag_id, run_id, task_id, pool, slots, begin, end, pauses in _holds(con):
        until = now[cluster] if end is None else min(end, now[cluster])
        for scope in _scopes(cluster, dag_id, run_id, task_id, pool, by_run=by_run[cluster]):
            at = begin
            for stop, go in [*pauses, (until, until)]:
                limits[scope].hold(at, stop, slots if scope[1] == "pool" else 1)
                at = go
    for limit in limits.values():
        limit.settle()
    found = {}
    for *key, pool, need, begin, end in _waits(con):
        cluster, dag_id, run_id, _, _, task_id = key
        applying = [(s, limits[s], sizes[s[:3]] - (need if s[1] == "pool" else 1))
                    for s in _scopes(cluster, dag_id, run_id, task_id, pool,
                                     by_run=by_run[cluster]) if s[:3] in sizes]
        found[tuple(key[:5])] = _charge(applying, begin, end)
    return found  # type: ignore[return-value]


def _charge(applying: list[tuple[Scope, Limit, int]], begin: int, end: int) -> Charge:
    cuts = sorted({begin, end, *(c for _, limit, _ in applying for c in limit.between(begin, end))})
    total, by_limit = 0, defaultdict(int)
    for one, other in pairwise(cuts):
        full = [s for s, limit, spare in applying if limit.used_at(one) > spare]
        total += (other - one) * bool(full)
        for scope in full:
            by_limit[f"{scope[1]}:{scope[2]}"] += other - one
    return Charge(total, dict(by_limit))


def _scopes(cluster: str, dag_id: str, run_id: str, task_id: str, pool: str | None, *,
            by_run: bool) -> list[Scope]:
    task = f"{dag_id}.{task_id}"
    return [(cluster, "pool", pool or "", ""),
            (cluster, "max_active_tasks", dag_id, run_id if by_run else ""),
            (cluster, "max_active_tis_per_dag", task, ""),
            (cluster, "max_active_tis_per_dagrun", task, run_id),
            (cluster, "parallelism", cluster, "")]


def _holds(con: duckdb.DuckDBPyConnection) -> list[Any]:
    return _rows(con, """
        select cluster, dag_id, run_id, task_id, pool, coalesce(pool_slot_count, 1),
            epoch_us(least(queued_at, started_at)), epoch_us(ended_at),
            coalesce([(epoch_us(p.from_at), epoch_us(p.until_at)) for p in pauses], [])
        from fct_task_attempts
        union all
        select cluster, dag_id, run_id, task_id, pool, coalesce(pool_slot_count, 1),
            epoch_us(queued_at), null, []
        from fct_task_instances where state = 'queued' and deleted_at is null""")


def _waits(con: duckdb.DuckDBPyConnection) -> list[Any]:
    return _rows(con, """
        select cluster, dag_id, run_id, path_kind, step_number, task_id, pool,
            coalesce(pool_slot_count, 1),
            epoch_us(ready_at) + cast(round(past_run_wait_seconds * 1e6) as bigint),
            epoch_us(queued_at)
        from fct_critical_path_steps where queued_at is not null and not is_scheduler_made""")


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    sql = sql.replace("from int_", "from intermediate.int_").replace("from fct_", "from marts.fct_")
    return con.execute(sql).fetchall()
