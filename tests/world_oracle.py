"""A plain second opinion on `ingest/world`: one run at a time, in Python, from the same draws.

    replay(company, happened, run)  ->  key -> Told: state, tries, gate, when it was done

Trigger rules are those of `tests/histories_rules.py`; times are worked out anew. What limits do to
a try is not: the instant at which it was given its slots is taken from the story, and judged by
`tests/unit/ingest/world/test_limits.py`.
"""

import math
from dataclasses import dataclass, field

from ingest.world.caused import Happened
from ingest.world.company import Company
from ingest.world.plan import STATES
from tests.histories_rules import at_last, at_once

SECOND = 1_000_000
Key = tuple[str, int]


@dataclass
class Told:
    """What the oracle says of an instance."""

    number: int
    state: str = ""
    tries: list[tuple[int, int, int, int, str]] = field(default_factory=list)
    done: int = 0
    stamp: int = 0
    ready: int = 0
    gate: Key | None = None


def replay(company: Company, one: Happened, run: int) -> dict[Key, Told]:
    """Every instance of a run."""
    p, story = one.story.plan, one.story
    version = int(p.run_version[run])
    first_task = int(p.atlas.version_first[version])
    told: dict[Key, Told] = {}
    chosen: dict[str, int] = {}
    for offset in range(int(p.atlas.version_size[version])):
        row = company.tasks.row(first_task + offset, named=True)
        role = company.habits["role"][first_task + offset]
        cell = int(p.run_cell[run]) + offset
        numbers = range(int(p.cell_first[cell]), int(p.cell_first[cell + 1]))
        if role == "branch":
            chosen[row["task_id"]] = int(p.choice[cell])
        verdict, at, gate, forced = _verdict(company, told, row, int(story.run_started[run]), (
            version, chosen))
        if verdict != "run":
            told[row["task_id"], -1] = _never(one, numbers[0], (verdict, at, gate, forced), told)
            continue
        for index, number in enumerate(numbers):
            key = row["task_id"], index if row["is_mapped"] else -1
            told[key] = Told(number, ready=at, gate=gate)
            _run(one, told[key], row, first_task + offset)
    return told


def _siblings(company: Company, version: int) -> list[tuple[str, list[str]]]:
    key = company.versions.row(version, named=True)
    import polars as pl
    rows = company.tasks.filter(pl.all_horizontal(
        pl.col(c) == key[c] for c in ("cluster", "dag_id", "version_number")))
    return rows.select("task_id", "upstream_task_ids").rows()


def _verdict(company, told, row, start, structure):  # type: ignore[no-untyped-def]
    version, chosen = structure
    ups = sorted(((t.done, t.stamp or t.done, key) for key, t in told.items()
                  if key[0] in row["upstream_task_ids"]))
    rule = row["trigger_rule"]
    if rule == "always" or not ups:
        return "run", start, None, False
    for branch in set(row["upstream_task_ids"]) & set(chosen):
        options = [name for name, above in _siblings(company, version) if branch in above]
        done = told[branch, -1]
        if done.state == "success" and options.index(row["task_id"]) != chosen[branch]:
            return "skipped", done.done, (branch, -1), True
    states = [told[key].state for _, _, key in ups]
    for (done, _, key), state in zip(ups, states, strict=True):
        verdict = at_once(rule, state)
        if verdict is not None:
            return verdict, done, key, False
    verdict = at_last(rule, states)
    bad = [key for (_, _, key), s in zip(ups, states, strict=True)
           if s in ("failed", "upstream_failed")]
    # docs/critical_path.md: what failed upstream waited for its first failed upstream instance.
    gate = bad[0] if verdict == "upstream_failed" else ups[-1][2]
    return verdict, ups[-1][0], gate, False


def _own(one: Happened, number: int, at: int) -> int:
    """The next microsecond that is this instance's own."""
    p = one.story.plan
    run = int(p.cell_run[p.instance_cell[number]])
    step = int(p.run_step[run])
    place = number - int(p.cell_first[p.run_cell[run]]) + 1
    return (math.floor(at / step) + 1) * step + place if at < 2**52 else (
        at - at % step + step + place)


def _never(one, number, decision, told):  # type: ignore[no-untyped-def]
    state, at, gate, forced = decision
    found = Told(number, state, ready=at, gate=gate)
    gap = int(one.story.plan.gap[number, 0])
    if forced:
        *_, began, ended, _ = told[gate].tries[-1]
        found.stamp, found.done = ended - min((ended - began) // 2, gap // 8), at
    else:
        found.stamp = found.done = _own(one, number, at + gap)
    return found


def _run(one: Happened, told: Told, row: dict, task: int) -> None:  # type: ignore[type-arg]
    p, story, number = one.story.plan, one.story, told.number
    ready = told.ready
    for nth in range(row["retries"] + 1):
        scheduled = ready + int(p.gap[number, nth])
        if row["operator"] == "EmptyOperator":
            queued, started = 0, scheduled
        else:
            queued = int(story.queued[number, nth])     # judged by the tests of limits
            started = queued + int(p.startup[number, nth])
        ended, state = _finish(one, told, row, task, (nth, started))
        told.tries.append((scheduled, queued, started, ended, state))
        told.state, told.done = state, ended
        if state != "failed":
            return
        ready = ended + int(row["retry_delay_seconds"] * SECOND)


def _finish(one, told, row, task, beginning):  # type: ignore[no-untyped-def]
    p, number, (nth, started) = one.story.plan, told.number, beginning
    state, length = STATES[p.fate[number, nth]], int(p.length[number, nth])
    if state == "failed":
        length = int(length * p.share[number, nth])
    for outage in p.outages:
        if outage.hits[number] and outage.began <= started < outage.ended:
            state, length = "failed", int((5 + 55 * p.share[number, nth]) * SECOND)
    if row["operator"] == "EmptyOperator":
        length = 0
    if row["external_dag_id"]:
        limit = started + int(p.atlas.habits["timeout_seconds"][task] * SECOND)
        awaited, drawn = int(p.awaited[number]), int(p.length[number, nth])
        seen = max(started + drawn, min(awaited, limit) + int(p.poke[number]))
        is_late = awaited == 2**63 - 1 or seen > limit
        return _own(one, number, limit if is_late else seen), "failed" if is_late else "success"
    return _own(one, number, started + length), state
