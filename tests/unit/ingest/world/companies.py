"""Small random companies: any edges, rules, failures, and tight limits.

A company is a function of one number, which is what hypothesis draws: shrinking whole companies
would take minutes and say no more.
"""

import random
from datetime import UTC, datetime, timedelta

from ingest.world.atlas import RULES
from ingest.world.company import Company, assemble
from ingest.world.drafts import DagDraft, TaskDraft, VersionDraft

END = datetime(2026, 11, 1, tzinfo=UTC)
DAY = datetime(2026, 10, 20, tzinfo=UTC).date()


def some_tasks(rng: random.Random, *, skips: bool) -> list[TaskDraft]:
    """Tasks with a branch now and then; what a branch may skip hangs on it alone."""
    tasks: list[TaskDraft] = []
    names: list[str] = []
    branch_at = rng.randint(0, 9)
    for place in range(rng.randint(1, 7)):
        name = f"t{place}"
        ups = tuple(rng.sample(names, rng.randint(0, min(3, len(names)))))
        mapped = rng.random() < 0.2
        empty = not mapped and rng.random() < 0.15
        tasks.append(TaskDraft(
            name, ups, "EmptyOperator" if empty else "PythonOperator",
            "empty" if empty else "transform", rng.choice((*RULES, "all_success", "all_success")),
            retries=0 if empty else rng.randint(0, 2), retry_delay_seconds=30.0,
            is_mapped=mapped, map_high=4 if mapped else 1,
            base_seconds=rng.choice((0.1, 5.0, 60.0)), sigma=0.5,
            failure_ratio=0.0 if empty else rng.choice((0.0, 0.3, 0.7)),
            skip_ratio=0.0 if empty or not skips else rng.choice((0.0, 0.0, 0.3)),
            resource=rng.choice(("", "warehouse")),
            pool=rng.choice(("default_pool", "warehouse_small")), pool_slots=rng.randint(1, 2)))
        names.append(name)
        if place == branch_at:
            tasks.append(TaskDraft("pick", (name,), "BranchPythonOperator", "branch",
                                   base_seconds=2.0, failure_ratio=0.2))
            options = [f"option{i}" for i in range(rng.randint(1, 2))]
            tasks += [TaskDraft(o, ("pick",), "PythonOperator", "transform") for o in options]
            names += options
    return tasks


def some_company(number: int, *, exact: bool = False, skips: bool = True) -> Company:
    """One to four DAGs, due within an hour of each other.

    Args:
        number: everything is drawn from it.
        exact: with tight limits.
        skips: whether tasks may skip themselves.
    """
    rng = random.Random(number)     # noqa: S311
    dags = []
    for place in range(rng.randint(1, 4)):
        minutes = tuple(sorted(rng.sample(range(60), rng.randint(1, 4))))
        dags.append(DagDraft(
            rng.choice(("market", "stories")), f"dag{place}", "ads", "ann", 1, "ads", "daily",
            "0 0 * * *", minutes, versions=[VersionDraft(END - timedelta(days=90),
                                                         some_tasks(rng, skips=skips))],
            max_active_runs=rng.choice((1, 2, 16)) if exact else 16,
            max_active_tasks=rng.choice((1, 2, 16)),
            # A scenario of this name keeps the limit that was drawn.
            scenario="max_active_tasks" if exact else None, is_exact=exact))
    outage = datetime(DAY.year, DAY.month, DAY.day, 0, 10, tzinfo=UTC)
    facts = {"incident_windows": [{
        "incident_id": "INC-1", "cluster": "market", "cause": "test", "resource": "warehouse",
        "error_kind": "warehouse_unreachable", "from_at": outage,
        "to_at": outage + timedelta(minutes=20)}]}
    return assemble(number, (END - timedelta(days=30), END), dags, facts,
                    pool_slots=rng.randint(2, 4))
