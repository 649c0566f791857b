"""Paths as the built warehouse tells them, beside the twin's, and how they differ.

    told(con)                     ->  {run: Told}: the marts' rows of each run
    differences(run, told)        ->  what the SQL says otherwise than the twin, in words
    explained(run, told)          ->  both paths and the inputs, to read
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from windsock.critical_path import (
    FirstWait,
    Kind,
    Path,
    Run,
    Step,
    microseconds,
    observed_path,
)

Row = dict[str, Any]
RunKey = tuple[str, str, str]       # cluster, dag_id, run_id
KINDS: tuple[Kind, ...] = ("finish", "failure")
TOLERANCE = 0.001
TERMS = ("running", "retry_wait", "deferred", "external_wait", "handoff")
TOTALS = ("lead", *TERMS, "tail")


@dataclass
class Told:
    """A run's row in `fct_dag_runs` and its rows in `fct_critical_path_steps`, by kind."""

    run: Row
    steps: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    """Rows of a select as dictionaries."""
    cursor = con.execute(sql)
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def told(con: duckdb.DuckDBPyConnection) -> dict[RunKey, Told]:
    """What the marts say of every run."""
    found = {_key(row): Told(row) for row in rows(con, "select * from marts.fct_dag_runs")}
    for row in rows(con, "select * from marts.fct_critical_path_steps order by step_number"):
        found[_key(row)].steps[row["path_kind"]].append(row)
    return found


def _key(row: Row) -> RunKey:
    return row["cluster"], row["dag_id"], row["run_id"]


# --- comparing ---------------------------------------------------------------------------------

def differences(run: Run, of: Told) -> list[str]:
    """Every fact of both paths in which SQL and twin are not one."""
    found: list[str] = []
    for kind in KINDS:
        path = observed_path(run, kind)
        steps = of.steps.get(kind, [])
        found += [f"{kind} {text}" for text in _step_differences(path, steps)]
        if kind == "finish" and path is not None:
            found += [f"run {text}" for text in _run_differences(path, of.run)]
            found += _identity(path, of, steps)
    return found


def _step_differences(path: Path | None, told: list[Row]) -> list[str]:
    steps = path.steps if path else ()
    ours = [(s.number, s.task_id, s.map_index) for s in steps]
    theirs = [(r["step_number"], r["task_id"], r["map_index"]) for r in told]
    if ours != theirs:
        return [f"steps: twin {ours}, SQL {theirs}"]
    found = []
    for step, row in zip(steps, told, strict=True):
        wanted: Row = {f"{t}_seconds": getattr(step.terms, t) / 1e6 for t in TERMS}
        wanted |= {"gated_by_run_id": step.gated_by_run_id,
                   "ready_at": _instant(step.begins_at), "ended_at": _instant(step.ends_at),
                   "has_missing_tries": step.has_missing_tries,
                   "has_clock_skew": step.has_clock_skew, **_waits(step, row)}
        found += [f"step {step.number} {text}" for text in _unequal(wanted, row)]
    return found


def _waits(step: Step, row: Row) -> Row:
    """The split of the first wait; the limits' share belongs to what came before queueing."""
    wait: FirstWait = step.first_wait
    before = row["limit_wait_seconds"], row["scheduler_wait_seconds"]
    row["before_queue_seconds"] = None if None in before else sum(before)
    parts = {"past_run_wait_seconds": wait.past_run_wait,
             "before_queue_seconds": wait.before_queue_wait,
             "startup_wait_seconds": wait.startup_wait}
    return {name: None if part is None else part / 1e6 for name, part in parts.items()}


def _run_differences(path: Path, row: Row) -> list[str]:
    return _unequal(path.seconds(), row)


def _identity(path: Path, of: Told, steps: list[Row]) -> list[str]:
    """The SQL's own terms tile the run, each of them 0 or more, and each step its segment."""
    terms = [of.run[f"{name}_seconds"] for name in TOTALS]
    found = []
    if None in terms or min(terms) < 0 or abs(sum(terms) - path.wall / 1e6) > TOLERANCE:
        found.append(f"run does not tile: {terms} for {path.wall / 1e6} s")
    for row in steps:
        spent = [row[f"{t}_seconds"] for t in TERMS]
        segment = (row["ended_at"] - row["ready_at"]).total_seconds()
        if None in spent or min(spent) < 0 or abs(sum(spent) - segment) > TOLERANCE:
            found.append(f"step {row['step_number']} does not tile: {spent} for {segment} s")
    return found


def _unequal(wanted: Row, row: Row) -> list[str]:
    return [f"{name}: twin {value}, SQL {row[name]}" for name, value in wanted.items()
            if not _is_close(value, row[name])]


def _is_close(one: Any, other: Any) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) <= timedelta(seconds=TOLERANCE)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TOLERANCE
    return bool(one == other)


# --- telling -----------------------------------------------------------------------------------

def explained(run: Run, of: Told) -> str:
    """A run, both paths and everything they were made from; seconds from the run's begin."""
    begin = run.window[0]

    def at(moment: int | None) -> str:
        return "-" if moment is None else f"{(moment - begin) / 1e6:.6f}"

    lines = [f"{' / '.join(_key(of.run))}: {run.state}, wall {at(run.window[1])}, basis "
             f"{of.run['structure_basis']}, previous "
             f"{run.previous.run_id if run.previous else None}"]
    for kind in KINDS:
        path = observed_path(run, kind)
        for step in path.steps if path else ():
            lines.append(f"  twin {kind} {step.number} {step.task_id}[{step.map_index}] "
                         f"{at(step.begins_at)}..{at(step.ends_at)} {step.terms} "
                         f"{step.first_wait} {step.gated_by_run_id or ''}")
        for row in of.steps.get(kind, []):
            terms = {t: row[f"{t}_seconds"] for t in TERMS if row[f"{t}_seconds"]}
            ends = [at(microseconds(row[name])) for name in ("ready_at", "ended_at")]
            lines.append(f"  SQL  {kind} {row['step_number']} {row['task_id']}[{row['map_index']}] "
                         f"{'..'.join(ends)} {terms} {row['gated_by_run_id'] or ''}")
    for x in run.instances:
        task = run.structures.get(x.version, {}).get(x.task_id)
        tried = [f"{at(a.started_at)}..{at(a.ended_at)} {a.state} queued {at(a.queued_at)} "
                 f"away {[(at(f), at(u)) for f, u in a.deferrals]} seen {at(a.last_seen_at)}"
                 for a in x.attempts]
        lines.append(f"  {x.task_id}[{x.map_index}] v{x.version} {x.state} end {at(x.ended_at)} "
                     f"{'sensor ' if x.is_external else ''}{tried} {task}")
    return "\n".join(lines)


def _instant(moment: int) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).replace(tzinfo=None)
