"""Limits that fill up: never exceeded, never left idle, and given by priority."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.world.caused import Happened
from ingest.world.company import Company
from ingest.world.simulate import simulate
from ingest.world.waits import limit_waits
from tests.unit.ingest.world.companies import DAY, some_company

NUMBERS = st.integers(0, 2**32)


@dataclass(frozen=True)
class Hold:
    """A try: since when it was wanted, decided for, and over; what it takes of which limits."""

    wanted: int
    decided: int
    ended: int
    rank: tuple[int, int, int]
    needs: tuple[tuple[tuple[str, ...], int], ...]


def holds(company: Company, one: Happened) -> tuple[list[Hold], dict[tuple[str, ...], int]]:
    p, story = one.story.plan, one.story
    three = set(company.clusters.filter(pl.col("release").str.starts_with("3."))["cluster"])
    sizes = {("pool", c, pool): n for c, pool, n in company.pools.iter_rows()}
    found = []
    for who in range(len(story.state)):
        task = company.tasks.row(int(p.instance_task[who]), named=True)
        run = int(p.instance_run[who])
        dag = company.dags.row(int(one.due.dag[run]), named=True)
        within = str(run) if dag["cluster"] in three else ""
        count = ("tasks", dag["cluster"], dag["dag_id"], within)
        sizes[count] = dag["max_active_tasks"]
        needs = ((("pool", dag["cluster"], task["pool"]), task["pool_slots"]), (count, 1))
        for n in range(int(story.tries[who])):
            if story.queued[who, n]:
                wanted, ended = int(story.scheduled[who, n]), int(story.ended[who, n])
                found.append(Hold(wanted, int(story.queued[who, n] - p.queue_gap[who, n]), ended,
                                  (-task["priority_weight"], wanted, who), needs))
    return found, sizes


def used_at(taken: list[Hold], at: int) -> dict[tuple[str, ...], int]:
    used: dict[tuple[str, ...], int] = defaultdict(int)
    for hold in taken:
        if hold.decided <= at < hold.ended:
            for limit, n in hold.needs:
                used[limit] += n
    return used


@settings(max_examples=25, deadline=None)
@given(NUMBERS)
def test_no_limit_is_exceeded_and_none_is_idle_while_somebody_waits(number: int) -> None:
    company = some_company(number, exact=True)
    for one in simulate(company, DAY).happened:
        taken, sizes = holds(company, one)
        moments = sorted({h.decided for h in taken} | {h.ended for h in taken}
                         | {h.wanted for h in taken})
        for at in moments:
            assert all(n <= sizes[limit] for limit, n in used_at(taken, at).items())
            for waiting in (h for h in taken if h.wanted <= at < h.decided):
                # Who comes later in line, and took its slots just now, may not be in the way.
                ahead = [h for h in taken if h.decided < at or h.rank < waiting.rank]
                used = used_at(ahead, at)
                assert any(used[limit] + n > sizes[limit] for limit, n in waiting.needs)


@settings(max_examples=25, deadline=None)
@given(NUMBERS)
def test_no_dag_has_more_runs_at_a_time_than_it_may(number: int) -> None:
    company = some_company(number, exact=True)
    runs = simulate(company, DAY).runs.join(company.dags, on=["cluster", "dag_id"])
    for rows in runs.partition_by("cluster", "dag_id"):
        most = rows["max_active_runs"][0]
        spans = rows.select("started_at", "ended_at", "queued_at", "run_after_at").rows()
        for began, _, queued, due in spans:
            assert sum(b <= began < e for b, e, *_ in spans) <= most
            assert due < queued < began


def test_waits_for_limits_are_those_of_a_slow_and_simple_count() -> None:
    count = 0
    for number in range(8):
        company = some_company(number, exact=True)
        attempts = simulate(company, DAY).attempts
        got = {(*r[:6], r[6]): r[7] for r in limit_waits(company, attempts).iter_rows()}
        rows = attempts.filter(pl.col("queued_at").is_not_null()).join(
            company.pools, on=["cluster", "pool"]).to_dicts()
        small = [r for r in rows if r["pool"] != "default_pool"]
        for row in small:
            begin = row["ready_at"] if row["try_number"] == 1 else row["scheduled_at"]
            others = [o for o in small if o["cluster"] == row["cluster"]]
            cuts = sorted({begin, row["queued_at"], *(t for o in others for t in (
                o["queued_at"], o["ended_at"]) if begin < t < row["queued_at"])})
            seconds = sum(
                (after - at).total_seconds() for at, after in pairwise(cuts)
                if sum(o["pool_slots"] for o in others if o["queued_at"] <= at < o["ended_at"])
                + row["pool_slots"] > row["slots"])
            key = (*(row[c] for c in ("cluster", "dag_id", "run_id", "task_id", "map_index",
                                      "try_number")), "pool:warehouse_small")
            np.testing.assert_allclose(got.get(key, 0.0), seconds, atol=1e-5)
            count += seconds > 0
    assert count > 10
