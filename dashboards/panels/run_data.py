"""One run and what is known around it, read when a part of the page asks for it.

    Subject(page, cluster, dag_id, run_id)  ->  .run, .steps("finish"), .instances, …  (cached)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import polars as pl

from dashboards import frame, links
from dashboards.markup import Markup
from dashboards.panels import run_terms

STEP_LIMIT = 20_000
INSTANCE_LIMIT = 20_000
SHOWN = 300
PATHS = ("finish", "failure")
OPEN_STATES = ["running", "deferred", "up_for_reschedule", "up_for_retry", "restarting", "queued",
               "scheduled"]


@dataclass(frozen=True)
class Subject:
    """The run that a page is about."""

    page: frame.Page
    cluster: str
    dag_id: str
    run_id: str

    @property
    def named(self) -> dict[str, Any]:
        """Its key, as parameters of queries and addresses."""
        return {"cluster": self.cluster, "dag_id": self.dag_id, "run_id": self.run_id}

    @cached_property
    def run(self) -> dict[str, Any]:
        """Its row; empty when there is none."""
        return self.page.reader.row("run__facts", **self.named) or {}

    @cached_property
    def as_of(self) -> datetime:
        """Until when it is known."""
        return self.page.as_of(self.cluster) or self.page.now

    @cached_property
    def _steps(self) -> pl.DataFrame:
        return self.page.reader.rows("run__steps", **self.named, row_limit=STEP_LIMIT)

    def steps(self, kind: str) -> list[dict[str, Any]]:
        """The steps of one of its paths, ascending in time."""
        return self._steps.filter(pl.col("path_kind") == kind).to_dicts()

    @cached_property
    def path_kinds(self) -> list[str]:
        """Which paths it has: finish, and failure when a task of it failed."""
        present = set(self._steps["path_kind"].unique())
        return [kind for kind in PATHS if kind in present]

    def slices(self, kind: str) -> list[run_terms.Slice]:
        """Every second of it along one path."""
        return run_terms.slices(self.run, self.steps(kind))

    @cached_property
    def states(self) -> dict[str | None, int]:
        """How many of its instances are in which state."""
        rows = self.page.reader.rows("run__states", **self.named)
        return dict(rows.select("state", "instance_count").iter_rows())

    @cached_property
    def instances(self) -> pl.DataFrame:
        """Its instances, those of the path first, then the longest."""
        return self.page.reader.rows("run__instances", **self.named, row_limit=INSTANCE_LIMIT)

    @cached_property
    def usual(self) -> dict[str, Any]:
        """How long a run of the DAG takes; empty when none succeeded."""
        return self.page.reader.row("run__usual", **self.named) or {}

    @cached_property
    def usual_tasks(self) -> dict[str, dict[str, Any]]:
        """How long its tasks take, by task."""
        rows = self.page.reader.rows("run__usual_tasks", **self.named)
        return {row["task_id"]: row for row in rows.iter_rows(named=True)}

    def records(self, tasks: Sequence[str]) -> dict[str, float]:
        """The longest success of each task in runs before this one."""
        if not tasks or self.run["started_at"] is None:
            return {}
        rows = self.page.reader.rows(
            "run__records", **self.named, state="success", before=self.run["started_at"],
            tasks=sorted(set(tasks)))
        return dict(rows.drop_nulls("max_seconds").select("task_id", "max_seconds").iter_rows())

    @cached_property
    def links(self) -> pl.DataFrame:
        """What it waited for in other runs, and what started it."""
        return self.page.reader.rows("run__links", **self.named, row_limit=SHOWN)

    @cached_property
    def versions(self) -> dict[str, dict[str, Any]]:
        """Versions of its DAG by key, the newest first."""
        rows = self.page.reader.rows("run__versions", **self.named)
        return {row["version_key"]: row for row in rows.iter_rows(named=True)}

    @cached_property
    def version_key(self) -> str | None:
        """The version whose structure it is read by: its own, else the nearest one seen before.

        None where no structure of the DAG was ever read. The rule: docs/critical_path.md, 3.
        """
        seen = [row for row in self.versions.values() if row["structure_hash"] is not None]
        own = self.run.get("version_key")
        if own in {row["version_key"] for row in seen}:
            return str(own)
        started = self.run.get("started_at")
        before = [row for row in seen if started is not None and row["first_seen_at"] is not None
                  and row["first_seen_at"] <= started]
        chosen = before[0] if before else seen[-1] if seen else None
        return None if chosen is None else str(chosen["version_key"])

    @property
    def version_name(self) -> str:
        """The release of its Airflow, as dim_clusters knows it."""
        return str(self.page.cluster(self.cluster).get("airflow_version") or "of this cluster")

    def link(self, text: str, **more: Any) -> Markup:
        """A link to another state of this run's page."""
        return links.link("run", text, **{**self.named, **more})

    def task_link(self, task_id: str, map_index: int = -1, **more: object) -> Markup:
        """A link that opens the panel of one of its instances on this page."""
        name = task_id if map_index < 0 else f"{task_id} [{map_index}]"
        index = None if map_index < 0 else map_index
        return links.link("run", name, is_id=True, hint="Show this task in this run",
                          **{**self.named, "task_id": task_id, "map_index": index, **more})
