"""A day of the company: everything that happens to the runs which begin in it.

    simulate(company, date)  ->  Day: runs, attempts, causes, events

A day is what falls due on that UTC date, and what this causes, to the end of its story, even if
that is after midnight. Each day is drawn by itself: any day, in any order, always the same.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ingest.world.atlas import NEVER, Atlas, atlas
from ingest.world.caused import Happened, Wires, awaited_ends, caused_runs, wires
from ingest.world.company import Company
from ingest.world.drafts import SECOND, micros, stream
from ingest.world.due import SCHEDULED, Due, by_time, days_since, versions_at
from ingest.world.exact import Arrivals, Limits, Token, play_exactly
from ingest.world.levels import play
from ingest.world.people import event_rows
from ingest.world.plan import RUNNING, DayFactors, Outage, Plan, plan
from ingest.world.rows import attempt_rows, cause_rows, run_rows
from ingest.world.story import Story

__all__ = ["Day", "simulate"]


@dataclass(frozen=True, eq=False)
class Day:
    """What happened.

    Attributes:
        date: on which its runs fell due.
        runs: one row per run; `ended_at` is null where it never ends.
        attempts: one row per try, and one with try 0 for each instance that never ran:
            `decided_at` says when that was decided. Without `ended_at` a try never ends.
        causes: which run, task or asset made a run, or let a sensor go on.
        events: what people did, for the audit log.
        happened: the same as arrays, for the answers.
    """

    date: date
    runs: pl.DataFrame
    attempts: pl.DataFrame
    causes: pl.DataFrame
    events: pl.DataFrame
    happened: tuple[Happened, ...]


def simulate(company: Company, day: date) -> Day:
    """Everything that happens to the runs that begin on a date (UTC)."""
    world, rng = atlas(company), stream(company.seed, "day", day.toordinal())
    timed = by_time(company, day, rng)
    factors = _factors(company, world, day)
    wave = company.rhythms["wave"].to_numpy()
    is_exact = company.rhythms["is_exact"].to_numpy()
    happened: list[Happened] = []
    links = wires(company)
    for number in range(int(wave.max(initial=0)) + 1):
        due = _joined(timed.only(np.flatnonzero(wave[timed.dag] == number)),
                      caused_runs(links, happened, np.flatnonzero(wave == number), rng))
        for exact in (False, True):
            some = due.only(np.flatnonzero(is_exact[due.dag] == exact))
            draws = stream(company.seed, f"wave {number} {exact}", day.toordinal())
            if len(some.dag):
                happened.append(_play(company, some, (day, factors), (links, happened), draws))
    runs = run_rows(company, happened)
    return Day(day, runs, attempt_rows(company, happened, runs, day),
               cause_rows(links, happened, runs), event_rows(company, runs, day),
               tuple(happened))


def _joined(one: Due, other: Due) -> Due:
    return Due(*(np.concatenate([getattr(one, name), getattr(other, name)])
                 for name in ("dag", "at", "kind", "cause", "step")))


def _play(company: Company, due: Due, day: tuple[date, DayFactors],
          before: tuple[Wires, list[Happened]], rng: np.random.Generator) -> Happened:
    """Plans and plays some runs of a wave, all by the one engine or all by the other."""
    world, (links, happened) = atlas(company), before
    p = plan(world, versions_at(world, due), day[1], rng)
    p.outages = _outages(company, world, p, day[0])
    awaited_ends(world, links, happened, (p, due))
    count = len(due.dag)
    lag = (rng.lognormal(0.3, 0.7, count) * SECOND).astype(np.int64)
    start_gap = ((0.05 + rng.lognormal(-1.2, 0.7, count)) * SECOND).astype(np.int64)
    if company.rhythms["is_exact"][int(due.dag[0])]:
        limits = _limits(company, p, due)
        story = play_exactly(p, limits, Arrivals(due.at, due.kind, lag, start_gap))
    else:
        queued = due.at + np.where(due.kind == SCHEDULED, lag, 0)
        story = play(p, queued, queued + start_gap)
    _hang(company, story, due)
    return Happened(story, due)


def _hang(company: Company, story: Story, due: Due) -> None:
    """The run that never ends: its last task runs on."""
    stuck = company.rhythms["stuck_at"].dt.epoch("us").fill_null(NEVER).to_numpy()[due.dag]
    for run in np.flatnonzero((due.at >= stuck) & (due.kind == SCHEDULED)):
        mine = np.flatnonzero(story.plan.instance_run == run)
        last = mine[np.argmax(story.done[mine])]
        number = int(story.tries[last]) - 1
        if number < 0:
            raise ValueError("the last task of a run that hangs has to run")
        story.ended[last, number], story.try_state[last, number] = 0, RUNNING
        story.state[last], story.done[last] = RUNNING, NEVER
        story.run_ended[run], story.run_state[run] = 0, RUNNING


def _factors(company: Company, world: Atlas, day: date) -> DayFactors:
    """How long things take on this day."""
    rhythms = company.rhythms
    factor = np.ones(rhythms.height)
    if day.weekday() >= 5:
        factor = factor * rhythms["weekend_factor"].to_numpy()
    if (day + timedelta(days=1)).day == 1 or day.day == 1:
        factor = factor * rhythms["month_end_factor"].to_numpy()
    planted = company.planted["anomaly_days"].filter(pl.col("date") == day)
    numbered = company.tasks.select("cluster", "dag_id", "task_id").with_row_index("task")
    odd = dict(planted.join(numbered, on=["cluster", "dag_id", "task_id"])
               .select("task", "factor").iter_rows())
    return DayFactors(days_since(company, day), factor, odd, rhythms["is_steady"].to_numpy())


def _outages(company: Company, world: Atlas, p: Plan, day: date) -> list[Outage]:
    """The incidents that may touch the runs of a date."""
    windows = company.planted["incident_windows"]
    steady = company.rhythms["is_steady"].to_numpy()
    clusters = company.dags["cluster"].to_numpy()
    task = p.instance_task
    dag = world.version_dag[world.task_version[task]]
    found = []
    for row in windows.iter_rows(named=True):
        if not -1 <= (row["from_at"].date() - day).days <= 2:
            continue
        number = world.resources.index(row["resource"]) if (
            row["resource"] in world.resources) else -1
        hits = (world.task_resource[task] == number) & (clusters[dag] == row["cluster"])
        found.append(Outage(micros(row["from_at"]), micros(row["to_at"]),
                            world.error_kinds.index(row["error_kind"]), hits & ~steady[dag]))
    return found


def _limits(company: Company, p: Plan, due: Due) -> Limits:
    """Which limits each instance takes how much of."""
    dags, tasks = company.dags, company.tasks
    release = dict(company.clusters.select("cluster", "release").iter_rows())
    sizes: dict[Token, int] = {(f"pool:{pool}", cluster): slots
                               for cluster, pool, slots in company.pools.iter_rows()}
    needs: list[list[tuple[Token, int]]] = []
    taken = tasks.select("pool", "pool_slots")[p.instance_task.astype(np.uint32)].rows()
    per_dag = dags.select("cluster", "dag_id", "max_active_tasks").rows()
    for (pool, slots), run in zip(taken, p.instance_run.tolist(), strict=True):
        dag = int(due.dag[run])
        cluster, dag_id, most = per_dag[dag]
        # Before 3.0 it counts over all runs of the DAG, since then within the run.
        owner = dag if release[cluster].startswith("2.") else (dag, run)
        token: Token = (f"max_active_tasks:{dag_id}", owner)
        sizes[token] = most
        needs.append([((f"pool:{pool}", cluster), slots), (token, 1)])
    return Limits(needs, sizes, dags["max_active_runs"].to_numpy()[due.dag], due.dag,
                  tasks["priority_weight"].to_numpy()[p.instance_task])
