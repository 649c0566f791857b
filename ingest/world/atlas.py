"""A company's frames as arrays, so that all runs of a day are simulated at once.

    atlas(company)  ->  Atlas: DAGs, versions, tasks and edges by number

Tasks are numbered as in the rows of `company.tasks`; those of one version lie together, upstream
first. Instants are microseconds since 1970.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from ingest.world.company import Company
from ingest.world.drafts import SECOND

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]

RULES = ("all_success", "all_done", "one_failed", "none_failed_min_one_success", "none_failed",
         "one_success", "always")
NEVER = np.iinfo(np.int64).max
NO_ERROR = -1


@dataclass(frozen=True, eq=False)
class Atlas:
    """Arrays. `version_*`, `task_*` and `edge_*` have an entry per version, task, edge.

    Attributes:
        version_dag, version_from: whose version it is, and since when.
        version_first, version_size: its tasks.
        task_level: 0 without upstream, else one more than the highest upstream's.
        task_rule: place in `RULES`.
        task_first_edge, task_edges: its upstream edges.
        edge_up: the upstream task.
        edge_option: which of a branch's options this is; -1: no branch is upstream.
        task_options: how many options a branch has; 0: it is no branch.
        task_is_leaf: nothing waits for it.
        habits: name of a number in `company.habits` -> per task.
        task_resource: place in `resources`; 0: none.
        error_kinds: every kind by number.
        error_first, error_count: a task's own, in `error_flat`.
    """

    version_dag: Ints
    version_from: Ints
    version_first: Ints
    version_size: Ints
    dag_first_version: Ints
    task_version: Ints
    task_level: Ints
    task_rule: Ints
    task_first_edge: Ints
    task_edges: Ints
    edge_up: Ints
    edge_option: Ints
    task_options: Ints
    task_is_leaf: Bools
    task_is_empty: Bools
    task_is_mapped: Bools
    task_waits: Bools
    task_retries: Ints
    task_delay: Ints
    task_is_slow_to_start: Bools
    task_resource: Ints
    habits: dict[str, Floats]
    resources: tuple[str, ...]
    error_kinds: tuple[str, ...]
    error_first: Ints
    error_count: Ints
    error_flat: Ints


@lru_cache(maxsize=4)
def atlas(company: Company) -> Atlas:
    """The arrays of a company, made once."""
    tasks, habits = company.tasks, company.habits
    versions = _versions(company)
    edges = _edges(company, versions["task_version"])
    resources = ("", *sorted({r for r in habits["resource"].unique() if r}))
    kinds = tuple(sorted({k for kinds in habits["error_kinds"] for k in kinds}
                         | set(company.planted["incident_windows"]["error_kind"])
                         | {"oom_killed", "sensor_timeout"}))
    errors = [np.array([kinds.index(k) for k in ks] or [NO_ERROR], dtype=np.int64)
              for ks in habits["error_kinds"]]
    counts = np.array([len(e) for e in errors], dtype=np.int64)
    return Atlas(
        **versions, **edges,
        task_is_empty=(habits["role"] == "empty").to_numpy(),
        task_is_mapped=tasks["is_mapped"].to_numpy(),
        task_waits=tasks["external_dag_id"].is_not_null().to_numpy(),
        task_retries=tasks["retries"].to_numpy(),
        task_delay=(tasks["retry_delay_seconds"] * SECOND).cast(pl.Int64).to_numpy(),
        task_is_slow_to_start=habits["role"].is_in(["pod", "train", "spark"]).to_numpy(),
        task_resource=np.array([resources.index(r) for r in habits["resource"]], dtype=np.int64),
        habits={name: habits[name].cast(pl.Float64).fill_null(float("inf")).to_numpy()
                for name, kind in habits.schema.items() if kind.is_numeric()},
        resources=resources, error_kinds=kinds,
        error_first=np.cumsum(counts) - counts, error_count=counts,
        error_flat=np.concatenate(errors))


def _versions(company: Company) -> dict[str, Any]:
    keys = ["cluster", "dag_id"]
    dags = company.dags.select(keys).with_row_index("dag")
    of_dag = company.versions.join(dags, on=keys, how="left", maintain_order="left")
    numbered = of_dag.select(*keys, "version_number").with_row_index("version")
    of_task = company.tasks.select(*keys, "version_number").join(
        numbered, on=[*keys, "version_number"], how="left", maintain_order="left")
    task_version = of_task["version"].cast(pl.Int64).to_numpy()
    sizes = np.bincount(task_version, minlength=of_dag.height)
    version_dag = of_dag["dag"].cast(pl.Int64).to_numpy()
    return {
        "version_dag": version_dag,
        "version_from": of_dag["created_at"].dt.epoch("us").to_numpy(),
        "version_first": np.cumsum(sizes) - sizes, "version_size": sizes,
        "dag_first_version": np.searchsorted(version_dag, np.arange(dags.height + 1)),
        "task_version": task_version}


def _edges(company: Company, task_version: Ints) -> dict[str, Any]:
    """Edges by number, levels, and which options a branch has."""
    ids, ups = company.tasks["task_id"].to_list(), company.tasks["upstream_task_ids"].to_list()
    is_branch = (company.habits["role"] == "branch").to_list()
    places: dict[tuple[int, str], int] = {}
    level, options, is_leaf = [0] * len(ids), [0] * len(ids), [True] * len(ids)
    edge_up: list[int] = []
    edge_option: list[int] = []
    for task, (version, name, above) in enumerate(zip(task_version.tolist(), ids, ups,
                                                      strict=True)):
        places[version, name] = task
        for upstream in (places[version, up] for up in above):
            edge_up.append(upstream)
            edge_option.append(options[upstream] if is_branch[upstream] else -1)
            options[upstream] += is_branch[upstream]
            is_leaf[upstream] = False
            level[task] = max(level[task], level[upstream] + 1)
    counts = np.array([len(above) for above in ups], dtype=np.int64)
    rules = [RULES.index(rule) for rule in company.tasks["trigger_rule"]]
    return {"task_level": np.array(level, dtype=np.int64), "task_rule": np.array(rules),
            "task_first_edge": np.cumsum(counts) - counts, "task_edges": counts,
            "edge_up": np.array(edge_up, dtype=np.int64),
            "edge_option": np.array(edge_option, dtype=np.int64),
            "task_options": np.array(options, dtype=np.int64), "task_is_leaf": np.array(is_leaf)}


def instants(company: Company, column: str, missing: int) -> Ints:
    """An instant of each DAG's rhythm, in microseconds."""
    found: Ints = company.rhythms[column].dt.epoch("us").fill_null(missing).to_numpy()
    return found
