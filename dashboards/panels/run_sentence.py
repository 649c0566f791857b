"""The answer of the Run page, in one sentence: how long, what that is compared with, and why.

    Told (run, slices of its path, statistics)  ->  "Took 5 h 02 m, usually 1 h 15 m …: 61 % …"

Pure. Shares are of the run's wall time and never add up to more than 100 %.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dashboards import format as fmt
from dashboards.markup import Markup, joined, write
from dashboards.panels.run_terms import MICRO, Slice, between, share_text, shares

Row = Mapping[str, Any]
MOST_TERMS = 3
LEAST_POINTS = 5        # a smaller term is not worth a place in the sentence after the first
MOST_NAMES = 3
BASES = {"same_weekday": "the same weekday", "same_hour": "the same hour"}
_WAITING = {"queued": "queued", "scheduled": "scheduled", "up_for_retry": "waiting for a retry"}


@dataclass(frozen=True)
class Told:
    """What the sentence is made from.

    Attributes:
        run: a row of `run__facts`.
        slices: of the path that is told: finish, of a failed run failure.
        as_of: "now".
        task: a task instance as a link.
        moment: an instant as HTML.
        usual: agg_dag_durations of the DAG; empty: it never succeeded.
        usual_tasks: agg_task_durations by task.
        records: longest success of a task before this run, by task.
        awaited: what a sensor waited for, by task and index.
        states: count of instances by state.
        unfinished: rows of `run__unfinished` of a run that goes on.
        failed: rows of `run__unfinished` in state failed, the first started first.
        why_queued: why a queued run waits, when that is known.
    """

    run: Row
    slices: Sequence[Slice]
    as_of: datetime
    task: Callable[[str, int], Markup]
    moment: Callable[[datetime | None], Markup]
    usual: Row = field(default_factory=dict)
    usual_tasks: Mapping[str, Row] = field(default_factory=dict)
    records: Mapping[str, float] = field(default_factory=dict)
    awaited: Mapping[tuple[str, int], Markup] = field(default_factory=dict)
    states: Mapping[str | None, int] = field(default_factory=dict)
    unfinished: Sequence[Row] = ()
    failed: Sequence[Row] = ()
    why_queued: Markup | None = None


def sentence(told: Told) -> Markup:
    """The sentence for a run in any state."""
    run = told.run
    if run["started_at"] is None:
        return _not_started(told)
    if run["state"] == "failed":
        return _failed(told)
    if run["ended_at"] is None:
        return _running(told)
    return write("Took <b>{took}</b>{usually}{why}.", took=_exact(_wall(told)),
                 usually=_usually(told), why=_after_colon(why(told)))


def _wall(told: Told) -> float:
    run = told.run
    return between(run["started_at"], run["ended_at"] or run["path_ended_at"]) / MICRO


def _exact(seconds: float) -> Markup:
    """A duration, exact on hover."""
    return write('<span title="{exact} s">{text}</span>', exact=f"{seconds:,.3f}",
                 text=fmt.duration(seconds))


def _usually(told: Told) -> Markup:
    usual = told.usual
    if not usual or not usual["sample_count"] or usual["median_seconds"] is None:
        return write(" (no earlier success to compare with)")
    return write(", usually {median} ({basis})", median=fmt.duration(usual["median_seconds"]),
                 basis=basis(usual))


def basis(usual: Row) -> str:
    """What a median is of: `median of 30`."""
    bucket = BASES.get(usual.get("basis_kind") or "")
    return f"median of {usual['sample_count']}" + (f" of {bucket}" if bucket else "")


def _after_colon(pieces: Markup) -> Markup:
    return write(": {pieces}", pieces=pieces) if pieces else Markup("")


# --- why: the largest terms of the path ----------------------------------------------------------


def why(told: Told) -> Markup:
    """`61 % x running (…), 22 % waiting for pool etl`; empty when no second passed."""
    groups = _groups(told.slices)
    total = sum(groups.values())
    if not total:
        return Markup("")
    ranked = sorted(groups.items(), key=lambda item: (-item[1], item[0]))[:MOST_TERMS]
    points = shares([length for _, length in ranked], total)
    named = [(key, length, share) for number, ((key, length), share)
             in enumerate(zip(ranked, points, strict=True)) if not number or share >= LEAST_POINTS]
    pieces = [write("{share} {what}", share=share_text(share), what=_what(told, key, length))
              for key, length, share in named]
    left = 100 - sum(share for _, _, share in named)
    if left > 0 and len(groups) > len(named):
        pieces.append(write("{share} in smaller parts", share=share_text(left)))
    return joined(pieces)


Key = tuple[str, str, int]


def _groups(found: Sequence[Slice]) -> dict[Key, int]:
    """Microseconds by what the sentence would call them."""
    sums: dict[Key, int] = {}
    for one in found:
        key = _key(one)
        sums[key] = sums.get(key, 0) + one.length
    return sums


def _key(one: Slice) -> Key:
    if one.term == "limit":
        return ("limit", one.limited_by or "", 0)
    if one.term == "past":
        return ("past", one.task_id or "", one.map_index)
    if one.is_lead:
        return ("lead", "", 0)
    if one.term in ("running", "external", "deferred", "retry"):
        return (one.term, one.task_id or "", one.map_index)
    return (one.term, "", 0)


def _what(told: Told, key: Key, length: int) -> Markup:
    kind, name, map_index = key
    seconds = length / MICRO
    took = fmt.duration(seconds)
    if kind == "running":
        return write("{task} running ({took}{compared})", task=told.task(name, map_index),
                     took=took, compared=_compared(told, name, seconds))
    if kind == "limit":
        return write("waiting for {limit} ({took})", limit=limit_name(name), took=took)
    if kind == "external":
        return write("{task} waiting for {what} ({took})", task=told.task(name, map_index),
                     took=took, what=told.awaited.get((name, map_index), write("the world")))
    if kind == "past":
        return write("{task} waiting for the run before this one ({took})", took=took,
                     task=told.task(name, map_index))
    if kind == "retry":
        return write("{task} waiting for its next try ({took})", took=took,
                     task=told.task(name, map_index))
    if kind == "deferred":
        return write("{task} deferred ({took})", task=told.task(name, map_index), took=took)
    is_open = kind == "tail" and told.run["ended_at"] is None
    return write("{words} ({took}{mostly})", took=took,
                 mostly=_mostly(told, length) if kind == "lead" else "",
                 words="since its last task ended" if is_open else _PLAIN[kind])


_PLAIN = {
    "lead": "before its first task began", "scheduler": "waiting for the scheduler",
    "startup": "waiting for workers to start", "tail": "after its last task",
    "handoff": "between tasks, for a cause that is not recorded",
    "idle": "without any task of it running",
}


def _mostly(told: Told, length: int) -> str:
    """What more than half of the lead was, limits aside."""
    largest = max((one for one in told.slices if one.is_lead and one.term in _PLAIN),
                  key=lambda one: one.length)
    words = {"scheduler": ", mostly waiting for the scheduler",
             "startup": ", mostly waiting for a worker"}
    return words.get(largest.term, "") if 2 * largest.length > length else ""


def _compared(told: Told, task_id: str, seconds: float) -> str:
    """A task's time against its record before this run, or its median."""
    record = told.records.get(task_id)
    if record is not None and seconds > record:
        return f", its max so far was {fmt.duration(record)}"
    usual = told.usual_tasks.get(task_id)
    if not usual or not usual["sample_count"] or usual["median_seconds"] is None:
        return ""
    return f", usually {fmt.duration(usual['median_seconds'])}"


def limit_name(limited_by: str) -> Markup:
    """`pool:etl` in words."""
    kind, _, name = limited_by.partition(":")
    if kind == "pool":
        return write('pool <span class="ws-id">{name}</span>', name=name)
    if not kind:
        return write("a limit")
    return write('<span class="ws-id">{kind}</span> of <span class="ws-id">{name}</span>',
                 kind=kind, name=name)


# --- the other states of a run -------------------------------------------------------------------


def _not_started(told: Told) -> Markup:
    run = told.run
    if run["ended_at"] is not None:
        return write("Ended {at} without having started: somebody set its state.",
                     at=told.moment(run["ended_at"]))
    waited = between(run["queued_at"], told.as_of)
    return write("{state} since {at}{waited}, not started yet{why}.",
                 state="Queued" if run["state"] == "queued" else "Made, without a state,",
                 at=told.moment(run["queued_at"]),
                 waited=f" ({fmt.duration(waited / MICRO)})" if waited else "",
                 why=_after_colon(told.why_queued or Markup("")))


def _failed(told: Told) -> Markup:
    usually = _usually(told)
    if told.failed:
        culprit = write("{names} failed{tries}{stopped}", names=_names(told, told.failed),
                        tries=_tries(told.failed), stopped=_stopped(told))
    else:
        culprit = write("no task of it is in state failed, so somebody set its state or it ran "
                        "into its own timeout")
    terms = why(told)
    return write('<b class="ws-bad">Failed</b> after <b>{took}</b>{usually}: {culprit}.{terms}',
                 took=_exact(_wall(told)), usually=usually, culprit=culprit,
                 terms=write(" Its time: {terms}.", terms=terms) if terms else "")


def _names(told: Told, rows: Sequence[Row]) -> Markup:
    """The first few instances as links, and how many more."""
    names = joined([told.task(r["task_id"], r["map_index"]) for r in rows[:MOST_NAMES]])
    more = told.states.get("failed", len(rows)) - MOST_NAMES
    return write("{names} and {more} more", names=names, more=fmt.count(more)) \
        if more > 0 else names


def _tries(rows: Sequence[Row]) -> str:
    tries = rows[0]["try_count"] if len(rows) == 1 else None
    return f" after {fmt.count(tries, 'try', 'tries')}" if tries else ""


def _stopped(told: Told) -> str:
    stopped = told.states.get("upstream_failed", 0)
    return f" and stopped {fmt.count(stopped, 'task')} behind it" if stopped else \
        " and stopped no other task"


def _running(told: Told) -> Markup:
    return write("Running for <b>{took}</b>{usually}; {now}.{terms}", took=_exact(_wall(told)),
                 usually=_usually(told), now=_now(told),
                 terms=write(" So far: {terms}.", terms=why(told)) if why(told) else "")


def _now(told: Told) -> Markup:
    """What it does now: the instances that run, else those that wait."""
    active = [r for r in told.unfinished if r["state"] not in _WAITING]
    if active:
        first = max(active, key=lambda r: between(r["started_at"], told.as_of))
        more = write(" and {n} more", n=fmt.count(len(active) - 1)) if len(active) > 1 else ""
        return write("now in {task}{more} since {at} ({took}){usual}", more=more,
                     task=told.task(first["task_id"], first["map_index"]),
                     at=told.moment(first["started_at"]), usual=_its_usual(told, first),
                     took=fmt.duration(between(first["started_at"], told.as_of) / MICRO))
    waiting = [(word, sum(r["state"] == state for r in told.unfinished))
               for state, word in _WAITING.items()]
    words = ", ".join(f"{fmt.count(n)} {word}" for word, n in waiting if n)
    return write("no task of it runs now{words}", words=f": {words}" if words else "")


def _its_usual(told: Told, row: Row) -> str:
    usual = told.usual_tasks.get(row["task_id"])
    if not usual or usual["median_seconds"] is None:
        return ""
    return f", its usual {fmt.duration(usual['median_seconds'])}"
