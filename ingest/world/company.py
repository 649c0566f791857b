"""A company: its clusters, DAGs, versions and tasks, as they are for all of its history.

    company("demo", seed=1)  ->  Company: frames that say what there is and how it behaves
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ingest.world.crowded import crowded
from ingest.world.drafts import DagDraft, TaskDraft, VersionDraft, stream
from ingest.world.frames import (
    CLUSTERS,
    clusters_frame,
    dags_frame,
    facts_frames,
    habits_frame,
    pools_frame,
    rhythms_frame,
    tasks_frame,
    versions_frame,
)
from ingest.world.linked import link, waves
from ingest.world.names import ODD_DAG_IDS, Namer, team_of
from ingest.world.ordinary import RUNS_PER_DAY, Maker, counts_of, ordinary
from ingest.world.scenarios import Planted, planted
from ingest.world.shapes import shape
from ingest.world.sizes import Size
from ingest.world.sizes import size as size_of

DEFAULT_END = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, eq=False, repr=False)
class Company:
    """What there is. One object is one company: it is compared by identity.

    Attributes:
        seed: of everything that is drawn.
        began_at, ends_at: the history that it is made for; days after it can be simulated too.
        clusters: cluster, release, kind, parallelism.
        pools: cluster, pool, slots.
        dags: a row per DAG, with its settings as they are at the end.
        versions: cluster, dag_id, version_number, created_at, revision.
        tasks: a row per DAG, version and task, upstream first.
        habits: how the task of the same row of `tasks` behaves.
        rhythms: when the DAG of the same row of `dags` runs.
        planted: name -> the facts of a kind of scenario.
    """

    seed: int
    began_at: datetime
    ends_at: datetime
    clusters: pl.DataFrame
    pools: pl.DataFrame
    dags: pl.DataFrame
    versions: pl.DataFrame
    tasks: pl.DataFrame
    habits: pl.DataFrame
    rhythms: pl.DataFrame
    planted: dict[str, pl.DataFrame]

    def __repr__(self) -> str:
        return f"Company(seed={self.seed}, dags={self.dags.height}, ends_at={self.ends_at})"


def company(size: str | Size = "demo", seed: int = 1, *, ends_at: datetime = DEFAULT_END,
            days: int | None = None) -> Company:
    """A company of a size.

    Args:
        size: a name in `ingest.world.sizes`, or numbers of your own.
        seed: the same size, seed and end give the same company.
        ends_at: when its history ends; planted things count back from there.
        days: of history, if other than the size says.
    """
    big = size_of(size) if isinstance(size, str) else size
    began_at = (ends_at - timedelta(days=days or big.days)).replace(
        hour=0, minute=0, second=0, microsecond=0)
    rng = stream(seed, "company")
    names = {cluster: Namer(rng) for cluster, _, _ in CLUSTERS}
    maker = Maker(rng, began_at, ends_at, names)
    world = planted(maker)
    crowded(world, big)
    _giants(world, big)
    runs, instances = _load(world.dags)
    left = max(12, big.dags - len(world.dags))
    dags = ordinary(maker, counts_of(left, max(left, big.runs_per_day - runs)),
                    max(200.0, big.instances_per_day - instances))
    _misname(dags, names)
    link(rng, dags)
    return assemble(seed, (began_at, ends_at), [*world.dags, *dags], world.facts,
                    pool_slots=big.pool_slots)


def assemble(seed: int, window: tuple[datetime, datetime], dags: list[DagDraft],
             facts: dict[str, list[dict[str, Any]]], *, pool_slots: int = 3) -> Company:
    """Frames from drafts.

    Args:
        seed: of the days that will be simulated.
        window: begin and end of the history.
        dags: with at least one version each; tasks may come in any order.
        facts: what was planted: name -> rows.
        pool_slots: of the small pool.
    """
    for draft in dags:
        for version in draft.versions:
            version.tasks = sort_tasks(version.tasks)
        _make_room(draft)
    dags = sorted(dags, key=lambda d: (d.cluster, d.dag_id))
    return Company(
        seed, *window, clusters=clusters_frame(), pools=pools_frame(pool_slots),
        dags=dags_frame(dags), versions=versions_frame(seed, dags), tasks=tasks_frame(dags),
        habits=habits_frame(dags), rhythms=rhythms_frame(dags, waves(dags)),
        planted=facts_frames(facts))


def sort_tasks(tasks: list[TaskDraft]) -> list[TaskDraft]:
    """Upstream first; otherwise as they came.

    Raises:
        ValueError: they wait for one another in a circle, or for one that is not there.
    """
    done: set[str] = set()
    found: list[TaskDraft] = []
    left = list(tasks)
    while left:
        ready = [t for t in left if done.issuperset(t.upstreams)]
        if not ready:
            raise ValueError(f"these tasks never become ready: {[t.task_id for t in left]}")
        found += ready
        done.update(t.task_id for t in ready)
        left = [t for t in left if t.task_id not in done]
    return found


def _make_room(draft: DagDraft) -> None:
    """No DAG meets max_active_tasks by chance: only where a scenario wants it to."""
    if draft.scenario == "max_active_tasks":
        return
    together = sum(t.map_high if t.is_mapped else 1 for t in draft.tasks)
    draft.max_active_tasks = max(16, -(-2 * together // 16) * 16)


def _giants(world: Planted, big: Size) -> None:
    """The DAG of a thousand tasks, and the one that runs every twelve minutes."""
    maker = world.maker
    if big.giant_tasks:
        draft = maker.bare("market", "daily", team_of("catalogue"))
        draft.dag_id, draft.minutes, draft.schedule = "catalogue_full_rebuild", (20,), "20 0 * * *"
        nodes = shape(maker.rng, "layers", big.giant_tasks)
        draft.versions = [VersionDraft(world.midnight(400), maker.tasks(nodes, "daily", 0))]
        draft.description, draft.scenario = "Every table of the catalogue, from scratch.", "giant"
        world.dags.append(draft)
    if big.has_frequent_dag:
        draft = maker.bare("market", "frequent", team_of("ads"))
        draft.dag_id = "ads_click_stream_compaction"
        draft.versions = [VersionDraft(world.midnight(400), maker.tasks(
            shape(maker.rng, "chain", 4), "frequent", 4))]
        draft.description, draft.scenario = "Folds twelve minutes of clicks.", "frequent"
        world.dags.append(draft)


def _load(dags: list[DagDraft]) -> tuple[float, float]:
    """Runs and task instances a day of these."""
    often = [len(d.minutes) * len(d.weekdays) / 7 or RUNS_PER_DAY[d.rhythm] for d in dags]
    return sum(often), sum(n * len(d.tasks) for n, d in zip(often, dags, strict=True))


def _misname(dags: list[DagDraft], names: dict[str, Namer]) -> None:
    """Some people's taste."""
    plain = [d for d in dags if d.rhythm == "daily"]
    for draft, name in zip(plain[::max(1, len(plain) // len(ODD_DAG_IDS))], ODD_DAG_IDS,
                           strict=False):
        if names[draft.cluster].take(name):
            draft.dag_id = name
            draft.relative_fileloc = f"{draft.project}/{name[:60]}.py"
