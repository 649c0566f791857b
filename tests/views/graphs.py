"""Rows of one DAG with a structure, a model path and a run, for the tests of its graph."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tests.views.snapshots import AS_OF, cluster, instance, run

Pair = tuple[str, str]


def graph_rows(dag_id: str, groups: Mapping[str, str | None], edges: Sequence[Pair],
               path: Sequence[str] = (), *, run_path: Sequence[str] | None = None,
               home: str = "prod-eu", run_id: str = "scheduled__1",
               state: str = "success") -> dict[str, list[dict[str, Any]]]:
    """A DAG of these tasks whose only run has an instance of each, and took the path."""
    named = {"cluster": home, "dag_id": dag_id}
    return {
        "dim_clusters": [cluster(home)],
        "dim_dags": [named | {"version_key": "v1", "is_active": True, "has_dag_row": True,
                              "task_count": len(groups), "run_count": 1}],
        "dim_dag_versions": [named | {
            "version_key": "v1", "version_number": 1, "structure_hash": "x",
            "version_basis": "recorded", "first_seen_at": AS_OF - timedelta(days=1),
            "task_count": len(groups), "edge_count": len(edges), "is_latest": True}],
        "dim_tasks": [named | {
            "task_id": t, "operator": "BashOperator", "task_group_id": g, "version_key": "v1",
            "task_basis": "latest_structure", "is_mapped": False, "is_in_latest_structure": True}
            for t, g in groups.items()],
        "fct_task_edges": [named | {"version_key": "v1", "upstream_task_id": a,
                                    "downstream_task_id": b} for a, b in edges],
        "fct_model_path_tasks": [named | {
            "task_id": t, "version_key": "v1", "path_basis": "measured",
            "model_path_number": path.index(t) + 1 if t in path else None,
            "median_seconds": 60.0, "float_seconds": 0.0 if t in path else 30.0,
            "drag_seconds": 60.0 if t in path else 0.0, "model_path_seconds": 60.0 * len(path),
            "criticality_ratio": 1.0 if t in path else 0.25, "criticality_sample_count": 30}
            for t in groups],
        "fct_dag_runs": [run(dag_id, run_id, cluster=home, version_key="v1", state=state,
                             structure_basis="recorded")],
        "fct_task_instances": [instance(t, dag_id=dag_id, run_id=run_id, cluster=home,
                                        after=10.0 * n, try_count=1)
                               for n, t in enumerate(groups)],
        "fct_critical_path_steps": [named | {
            "run_id": run_id, "path_kind": "finish", "step_number": n, "task_id": t,
            "map_index": -1, "structure_basis": "recorded", "waits_basis": "recorded",
            "ready_at": AS_OF, "started_at": AS_OF, "ended_at": AS_OF, "handoff_seconds": 2.0,
            "external_wait_seconds": 0.0, "running_seconds": 60.0, "retry_wait_seconds": 0.0,
            "deferred_seconds": 0.0}
            for n, t in enumerate(path if run_path is None else run_path, 1)],
    }


def large(task_count: int = 1000, edge_count: int = 1500,
          ) -> tuple[dict[str, str | None], list[Pair], list[str]]:
    """Tasks in groups of twenty, edges to later ones, and a path through them."""
    groups: dict[str, str | None] = {f"task_{n:04}": f"group_{n // 20:02}" if n % 5 else None
                                     for n in range(task_count)}
    edges = {(max(0, n - 1 - n * 37 % 30), n) for n in range(1, task_count)}
    step = 0
    while len(edges) < edge_count:
        step += 1
        start = step * 613 % task_count
        edges.add((start, min(task_count - 1, start + 1 + step * 29 % 60)))
        edges = {(a, b) for a, b in edges if a != b}
    before = {b: a for a, b in sorted(edges)}
    path = [task_count - 1]
    while path[0] in before:
        path.insert(0, before[path[0]])
    return (groups, [(f"task_{a:04}", f"task_{b:04}") for a, b in sorted(edges)],
            [f"task_{n:04}" for n in path])
