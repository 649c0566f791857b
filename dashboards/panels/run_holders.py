"""Who held a limit while a task waited for it?

    tries that the limit counts, the wait  ->  slot-seconds inside the wait, by run and task

A try holds its slots from when it was queued until it ended, but not while it is deferred or
asleep between two pokes (as in docs/critical_path.md, 6). Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboards.panels.run_terms import MICRO, between

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Limit:
    """A limit as `limited_by` names it."""

    kind: str
    name: str

    @property
    def text(self) -> str:
        """`pool:etl`."""
        return f"{self.kind}:{self.name}"

    def scope(self, named: Mapping[str, str], task_id: str, *,
              is_within_run: bool) -> dict[str, str | None]:
        """Which tries it counts, as parameters of `run__holders`."""
        is_pool, is_dag = self.kind == "pool", self.kind.startswith("max_active")
        is_run = is_within_run or self.kind == "max_active_tis_per_dagrun"
        return {"pool": self.name if is_pool else None,
                "of_dag": named["dag_id"] if is_dag else None,
                "of_run": named["run_id"] if is_run and is_dag else None,
                "of_task": task_id if self.kind.startswith("max_active_tis") else None}


@dataclass(frozen=True)
class Holder:
    """Tries of one task in one run; what they held during the wait."""

    dag_id: str
    run_id: str
    task_id: str
    count: int
    slot_seconds: float


def limit_of(limited_by: str | None) -> Limit | None:
    """`pool:etl` taken apart; None when nothing was full."""
    if not limited_by:
        return None
    kind, _, name = limited_by.partition(":")
    return Limit(kind, name)


def holders(tries: Iterable[Row], since: datetime, until: datetime, *,
            has_slots: bool) -> list[Holder]:
    """Who held how much of a limit in [since, until), the most first.

    Args:
        tries: columns of `run__holders`.
        since: begin of the wait.
        until: its end.
        has_slots: a pool counts slots, other limits count tries.
    """
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for row in tries:
        held = _held(row, since, until) * ((row["pool_slot_count"] or 1) if has_slots else 1)
        if held:
            key = (row["dag_id"], row["run_id"], row["task_id"])
            count, sum_ = found.get(key, (0, 0))
            found[key] = (count + 1, sum_ + held)
    rows = [Holder(*key, count, held / MICRO) for key, (count, held) in found.items()]
    return sorted(rows, key=lambda h: (-h.slot_seconds, h.dag_id, h.run_id, h.task_id))


def _held(row: Row, since: datetime, until: datetime) -> int:
    """Microseconds in the wait in which a try held its place."""
    begins = [at for at in (row["queued_at"], row["started_at"]) if at is not None]
    if not begins:
        return 0
    begin, end = max(min(begins), since), min(row["ended_at"] or until, until)
    asleep = sum(between(max(p["from_at"] or begin, begin), min(p["until_at"] or end, end))
                 for p in row["pauses"] or ())
    return max(0, between(begin, end) - asleep)
