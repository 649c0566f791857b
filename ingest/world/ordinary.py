"""The ordinary DAGs of a company: when they run, who owns them, what shape they have.

    Size, seed, window  ->  DagDrafts of three clusters, without the planted scenarios
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ingest.world.drafts import DagDraft, Node, TaskDraft, VersionDraft
from ingest.world.names import TEAMS, Namer, Team
from ingest.world.roles import dress
from ingest.world.shapes import family_of, shape

CLUSTERS = ("market", "stories", "staging")
_SHARES = (0.55, 0.35, 0.10)
# How much quicker than a daily DAG's the tasks are.
PACES = {"daily": 1.0, "weekly": 1.5, "hourly": 0.35, "quarterly": 0.12, "frequent": 0.1,
         "manual": 0.8, "triggered": 0.6, "asset": 0.6}
RUNS_PER_DAY = {"daily": 1.0, "weekly": 1 / 7, "hourly": 24.0, "quarterly": 96.0,
                "frequent": 120.0, "manual": 0.3, "triggered": 1.0, "asset": 1.0}
NIGHT = (60, 210)       # minutes of the day in which nearly half of all daily DAGs are due


@dataclass
class Maker:
    """Makes DAGs; everything that it draws comes from one stream."""

    rng: np.random.Generator
    began_at: datetime
    ends_at: datetime
    namers: dict[str, Namer]

    def dag(self, cluster: str, rhythm: str, tasks: int, team: Team | None = None) -> DagDraft:
        """An ordinary DAG of about so many task instances a run."""
        rng = self.rng
        team = team or TEAMS[int(rng.integers(len(TEAMS)))]
        draft = self.bare(cluster, rhythm, team)
        family = family_of(rng, tasks, is_light=RUNS_PER_DAY[rhythm] > 1)
        draft.versions.append(VersionDraft(
            self.began_at - timedelta(hours=float(rng.uniform(24, 4_000))),
            self.tasks(shape(rng, family, tasks), rhythm, tasks)))
        draft.description = f"{family.replace('_', ' ').capitalize()} of {team.name}."
        draft.weekend_factor = float(rng.choice((1.0, 0.7, 1.25), p=(0.6, 0.3, 0.1)))
        draft.month_end_factor = 1.8 if team.name in ("finance", "payments") else 1.0
        self._age(draft)
        return draft

    def bare(self, cluster: str, rhythm: str, team: Team) -> DagDraft:
        """A DAG without tasks."""
        rng = self.rng
        minutes, weekdays, schedule = self._times(rhythm)
        tier = min(3, team.tier + int(rng.random() < 0.4) + int(cluster == "staging"))
        name = self.namers[cluster].dag(team, rhythm if rhythm in ("hourly", "weekly") else
                                        "daily" if rhythm == "daily" else "")
        project = str(rng.choice(team.projects))
        return DagDraft(
            cluster, name, team.name, str(rng.choice(team.owners)), tier, project, rhythm,
            schedule, minutes, weekdays, relative_fileloc=f"{project}/{name}.py",
            start_at=(self.began_at - timedelta(days=300)).replace(
                hour=0, minute=0, second=0, microsecond=0),
            manual_ratio=0.4 if rhythm == "manual" else 0.004 if rhythm == "daily" else 0.0)

    def tasks(self, nodes: list[Node], rhythm: str, size: int) -> list[TaskDraft]:
        """Tasks for the nodes of a shape."""
        made = [dress(self.rng, node, PACES[rhythm]) for node in nodes]
        for task in made:
            if task.is_mapped:
                middle = max(2, size - len(nodes) + 1)
                task.map_low, task.map_high = max(1, middle // 2), middle + middle // 2
        return made

    def _times(self, rhythm: str) -> tuple[tuple[int, ...], tuple[int, ...], str | None]:
        """Minutes of the day, weekdays, and the same as a cron text."""
        rng, every_day = self.rng, (0, 1, 2, 3, 4, 5, 6)
        at = int(rng.integers(*NIGHT)) if rng.random() < 0.45 else int(rng.integers(1_440))
        at -= at % 5 if rng.random() < 0.7 else 0
        hour, minute = divmod(at, 60)
        if rhythm == "daily":
            return (at,), every_day, f"{minute} {hour} * * *"
        if rhythm == "weekly":
            day = int(rng.integers(7))          # Monday is 0 here and 1 in cron
            return (at,), (day,), f"{minute} {hour} * * {(day + 1) % 7}"
        if rhythm == "hourly":
            return tuple(range(minute, 1_440, 60)), every_day, f"{minute} * * * *"
        step = {"quarterly": 15, "frequent": 12}.get(rhythm)
        if step:
            return tuple(range(0, 1_440, step)), every_day, f"*/{step} * * * *"
        return (), every_day, None

    def _age(self, draft: DagDraft) -> None:
        """A few DAGs are new, some change on the way."""
        rng, span = self.rng, (self.ends_at - self.began_at).total_seconds()
        if rng.random() < 0.03 and draft.rhythm in ("daily", "hourly"):
            born = self.began_at + timedelta(seconds=float(rng.uniform(0.1, 0.8)) * span)
            draft.versions[0].created_at = draft.runs_from_at = born
        while rng.random() < 0.25:
            after = draft.versions[-1].created_at
            born = max(after, self.began_at) + timedelta(
                seconds=float(rng.uniform(0.05, 0.6)) * span)
            if born >= self.ends_at:
                return
            tasks = list(draft.tasks)
            name = f"check_freshness_{len(draft.versions)}"
            if rng.random() < 0.4:
                tasks.append(dress(rng, Node(name, (tasks[-1].task_id,), "check"),
                                   PACES[draft.rhythm]))
            draft.versions.append(VersionDraft(born, tasks))


def ordinary(maker: Maker, counts: dict[str, int], instances_per_day: float) -> list[DagDraft]:
    """So many DAGs of each rhythm, which together make about so many task instances a day.

    What runs often comes first: one task more or less of it is many instances a day, which the
    sizes of the others make up for.
    """
    rng = maker.rng
    rhythms = sorted((r for r, n in counts.items() for _ in range(n)),
                     key=lambda r: -RUNS_PER_DAY[r])
    z = rng.standard_normal(len(rhythms))
    clusters = [str(c) for c in rng.choice(CLUSTERS, len(rhythms), p=_SHARES)]
    often = sum(RUNS_PER_DAY[r] > 1 for r in rhythms)
    sizes = _fit(rhythms, z, instances_per_day)[:often]
    dags = [maker.dag(*some) for some in zip(clusters, rhythms, sizes, strict=False)]
    left = instances_per_day - sum(
        RUNS_PER_DAY[d.rhythm] * (t.map_low + t.map_high) / 2 for d in dags for t in d.tasks)
    sizes = _fit(rhythms[often:], z[often:], left)
    return dags + [maker.dag(*some) for some in zip(
        clusters[often:], rhythms[often:], sizes, strict=True)]


def counts_of(dags: int, runs_per_day: float) -> dict[str, int]:
    """How many DAGs of each rhythm add up to so many runs a day."""
    fixed = {"weekly": max(1, dags // 10), "manual": max(1, dags // 40),
             "quarterly": max(1, dags // 200), "asset": max(1, dags // 30),
             "triggered": max(1, dags // 40)}
    left = dags - sum(fixed.values())
    runs = runs_per_day - sum(RUNS_PER_DAY[r] * n for r, n in fixed.items())
    hourly = min(max(1, round((runs - left) / 23)), left // 2)
    return {"daily": left - hourly, "hourly": hourly, **fixed}


def _fit(rhythms: list[str], z: np.ndarray, wanted: float) -> list[int]:
    """Sizes from one lognormal family, its middle found by halving."""
    often = np.array([RUNS_PER_DAY[r] for r in rhythms])
    # What runs often is smaller and varies less.
    scale = np.where(often > 1, 0.6, 1.0)
    sigma = np.where(often > 1, 0.3, 0.6)
    low, high = 1.0, 60.0
    for _ in range(40):
        middle = (low + high) / 2
        sizes = np.clip(np.rint(middle * scale * np.exp(sigma * z)), 3, 100)
        low, high = (middle, high) if float(sizes @ often) < wanted else (low, middle)
    return [int(s) for s in sizes]
