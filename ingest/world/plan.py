"""What would happen to each task instance of some runs, whenever it comes to start.

    runs  ->  Plan: cells (run x task), instances (cell x map index), edges, and every draw

A plan knows nothing of when things happen: gaps, durations and fates are drawn for each possible
try. `ingest/world/levels.py` and `exact.py` play it; both call `finish` for how a try ends.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ingest.world.atlas import NEVER, NO_ERROR, Atlas, Bools, Floats, Ints
from ingest.world.drafts import SECOND

SUCCESS, FAILED, SKIPPED, UPSTREAM_FAILED, RUNNING = 1, 2, 3, 4, 5
STATES = ("", "success", "failed", "skipped", "upstream_failed", "running")
_STAYS_BROKEN = 0.45


@dataclass(frozen=True)
class Outage:
    """An incident: which instances of a plan it fails, if they start in its window."""

    began: int
    ended: int
    error: int
    hits: Bools


@dataclass
class Plan:
    """Arrays by run, by cell, by instance and by instance and try.

    Attributes:
        run_version: of each run.
        run_step: ends of a run's instances are told apart by their remainder of this.
        cell_first: first instance of each cell, and one more at the end.
        edge_down, edge_up: cells, ordered by the level of the lower one.
        gap, queue_gap, startup: how long a try takes to be scheduled, queued, started.
        length, fate: of a try, if nothing else comes in between.
        share: of its length after which it fails.
        error: by which kind it would fail.
        awaited: of a sensor of another DAG: when that had ended; NEVER: it did not succeed.
        poke: how long it takes to notice.
        choice: of a branch.
    """

    atlas: Atlas
    run_version: Ints
    run_cell: Ints
    run_step: Ints
    cell_run: Ints
    cell_task: Ints
    cell_level: Ints
    cell_first: Ints
    instance_cell: Ints
    map_index: Ints
    edge_down: Ints
    edge_up: Ints
    edge_option: Ints
    gap: Ints
    queue_gap: Ints
    startup: Ints
    length: Ints
    fate: Ints
    share: Floats
    error: Ints
    memory: Floats
    cpu: Floats
    awaited: Ints
    poke: Ints
    choice: Ints
    run_gap: Ints
    outages: list[Outage] = field(default_factory=list)

    @cached_property
    def instance_task(self) -> Ints:
        """The task of each instance."""
        return self.cell_task[self.instance_cell]

    @cached_property
    def instance_run(self) -> Ints:
        """The run of each instance."""
        return self.cell_run[self.instance_cell]


def spans(first: Ints, counts: Ints) -> Ints:
    """`first[i], first[i] + 1, …`, `counts[i]` of them, for each i."""
    before = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) - np.repeat(before - first, counts)


def plan(world: Atlas, run_version: Ints, day: "DayFactors", rng: np.random.Generator) -> Plan:
    """Lays out runs of given versions and draws all that may happen to them."""
    sizes = world.version_size[run_version]
    run_cell = np.cumsum(sizes) - sizes
    cell_task = spans(world.version_first[run_version], sizes)
    cell_run = np.repeat(np.arange(len(run_version)), sizes)
    habits = world.habits
    low, high = habits["map_low"][cell_task], habits["map_high"][cell_task]
    counts = (low + np.floor(rng.random(len(cell_task)) * (high - low + 1))).astype(np.int64)
    cell_first = np.concatenate([[0], np.cumsum(counts)])
    instance_cell = np.repeat(np.arange(len(cell_task)), counts)
    is_mapped = world.task_is_mapped[cell_task][instance_cell]
    map_index = np.where(is_mapped, np.arange(len(instance_cell)) - cell_first[instance_cell], -1)
    per_run = np.bincount(cell_run[instance_cell], minlength=len(run_version))
    order = np.argsort(world.task_level[cell_task], kind="stable")
    edge_down = np.repeat(order, world.task_edges[cell_task[order]])
    edges = spans(world.task_first_edge[cell_task[order]], world.task_edges[cell_task[order]])
    edge_up = world.edge_up[edges] - world.version_first[run_version[cell_run[edge_down]]]
    return Plan(
        world, run_version, run_cell, 1 << np.ceil(np.log2(per_run + 2)).astype(np.int64),
        cell_run, cell_task, world.task_level[cell_task], cell_first, instance_cell, map_index,
        edge_down, edge_up + run_cell[cell_run[edge_down]], world.edge_option[edges],
        **_draws(world, cell_task[instance_cell], day, rng),
        choice=np.floor(rng.random(len(cell_task)) * world.task_options[cell_task]).astype(int),
        run_gap=_seconds(rng.lognormal(0.0, 0.5, len(run_version))))


@dataclass(frozen=True)
class DayFactors:
    """What a day does to durations.

    Attributes:
        days: since the company's history began.
        factor: per DAG: weekends and ends of months.
        odd: task -> factor of this day alone (anomalies).
        steady: per DAG, whether it never fails.
    """

    days: float
    factor: Floats
    odd: dict[int, float]
    steady: Bools


def _seconds(values: Floats) -> Ints:
    return (values * SECOND).astype(np.int64)


def _draws(world: Atlas, task: Ints, day: DayFactors, rng: np.random.Generator) -> dict[str, Any]:
    tries = int(world.task_retries[task].max(initial=0)) + 1
    shape = (len(task), tries)
    habit = {name: values[task][:, None] for name, values in world.habits.items()}
    dag = world.version_dag[world.task_version[task]]
    factor = day.factor[dag] * np.exp(np.log1p(world.habits["growth_per_day"][task]) * day.days)
    for odd, times in day.odd.items():
        factor = np.where(task == odd, factor * times, factor)
    tail = np.where(rng.random(shape) < habit["tail_ratio"], rng.uniform(3, 10, shape), 1.0)
    noise = np.exp(rng.standard_normal(shape) * habit["sigma"]) * tail
    seconds = np.clip(habit["base_seconds"] * factor[:, None] * noise, 0.05, 43_200.0)
    memory = habit["memory_bytes"] * np.exp(rng.standard_normal(shape) * habit["memory_sigma"])
    slow = np.where(world.task_is_slow_to_start[task], 12.0, 1.2)[:, None]
    fate = _fates(habit, memory, day.steady[dag], rng)
    kind = np.floor(rng.random(shape) * world.error_count[task][:, None]).astype(np.int64)
    error = world.error_flat[world.error_first[task][:, None] + kind]
    is_killed = memory > habit["memory_limit_bytes"]
    memory = np.minimum(memory, habit["memory_limit_bytes"])
    return {
        "gap": _seconds(0.15 + rng.lognormal(-0.4, 0.6, shape)),
        "queue_gap": _seconds(0.02 + rng.lognormal(-2.0, 0.5, shape)),
        "startup": _seconds(slow * (0.4 + rng.lognormal(-0.4, 0.5, shape))),
        "length": _seconds(seconds), "fate": fate, "share": rng.uniform(0.05, 1.0, shape),
        "error": np.where(is_killed, world.error_kinds.index("oom_killed"), error),
        "memory": memory, "cpu": habit["cpu_ratio"] * rng.uniform(0.8, 1.2, shape),
        "awaited": np.where(world.task_waits[task], NEVER, 0),
        "poke": _seconds(rng.uniform(1.0, 60.0, len(task)))}


def _fates(habit: dict[str, Floats], memory: Floats, steady: Bools,
           rng: np.random.Generator) -> Ints:
    shape = memory.shape
    luck = rng.random(shape)
    fate = np.where(luck < habit["failure_ratio"], FAILED, SUCCESS)
    # What is wrong with the data or the code is still wrong at the next try.
    stays = (rng.random((shape[0], 1)) < _STAYS_BROKEN) & (fate[:, :1] == FAILED)
    fate = np.where(stays, FAILED, fate)
    fate = np.where(luck > 1 - habit["skip_ratio"], SKIPPED, fate)
    is_bad_day = rng.random((shape[0], 1)) < habit["flaky_ratio"]
    is_flaky = habit["flaky_ratio"] > 0
    early = np.arange(shape[1])[None, :] < 2
    fate = np.where(is_flaky, np.where(is_bad_day & early, FAILED, SUCCESS), fate)
    fate = np.where(memory > habit["memory_limit_bytes"], FAILED, fate)
    return np.where(steady[:, None], SUCCESS, fate)


def finish(p: Plan, number: int, which: Ints, started: Ints) -> tuple[Ints, Ints, Ints]:
    """How the tries of some instances end.

    Args:
        p: the plan.
        number: of the try, from 0.
        which: the instances.
        started: when each began.

    Returns:
        When each ended, in which state, and by which kind of error. No two instances of a run end
        in the same microsecond.
    """
    world, task = p.atlas, p.cell_task[p.instance_cell[which]]
    state, error = p.fate[which, number], p.error[which, number]
    length = np.where(state == FAILED, (p.length[which, number] * p.share[which, number]).astype(
        np.int64), p.length[which, number])
    for outage in p.outages:
        hit = outage.hits[which] & (started >= outage.began) & (started < outage.ended)
        quick = ((5 + 55 * p.share[which, number]) * SECOND).astype(np.int64)
        state, length = np.where(hit, FAILED, state), np.where(hit, quick, length)
        error = np.where(hit, outage.error, error)
    ended = started + np.where(world.task_is_empty[task], 0, length)
    waits = world.task_waits[task]
    if waits.any():
        timeout = started + _seconds(world.habits["timeout_seconds"][task])
        seen = np.maximum(started + p.length[which, number], np.minimum(
            p.awaited[which], timeout) + p.poke[which])
        is_late = waits & ((p.awaited[which] == NEVER) | (seen > timeout))
        ended = np.where(waits, np.where(is_late, timeout, seen), ended)
        state = np.where(waits, np.where(is_late, FAILED, SUCCESS), state)
        error = np.where(is_late, world.error_kinds.index("sensor_timeout"), error)
    error = np.where(state == FAILED, error, NO_ERROR)
    return distinct(p, which, ended), state, error


def distinct(p: Plan, which: Ints, at: Ints) -> Ints:
    """The next microsecond that belongs to this instance alone in its run."""
    run = p.cell_run[p.instance_cell[which]]
    step = p.run_step[run]
    own = which - p.cell_first[p.run_cell[run]] + 1
    return (at // step + 1) * step + own
