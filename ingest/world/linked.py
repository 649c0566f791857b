"""DAGs that hang on one another: external sensors, triggers, assets, and in which order they go.

    DagDrafts  ->  the same, linked  ->  wave of each: it needs only what earlier waves have done
"""

from dataclasses import replace

import numpy as np

from ingest.world.drafts import DagDraft, Node, TaskDraft
from ingest.world.roles import dress

Key = tuple[str, str]


def link(rng: np.random.Generator, dags: list[DagDraft]) -> None:
    """Gives triggered and asset DAGs somebody to hang on, and every twentieth daily a sensor."""
    daily = [d for d in dags if d.rhythm == "daily" and d.scenario is None
             and d.runs_from_at is None]
    free = {cluster: [d for d in daily if d.cluster == cluster] for cluster in
            sorted({d.cluster for d in dags})}
    for pool in free.values():
        rng.shuffle(pool)
    for draft in dags:
        if draft.rhythm == "triggered" and draft.scenario is None and free[draft.cluster]:
            _trigger(rng, free[draft.cluster].pop(), draft)
        elif draft.rhythm == "asset" and not draft.asset_uris and free[draft.cluster]:
            _feed(free[draft.cluster].pop(), draft)
    for pool in free.values():
        for _ in range(max(1, len(pool) // 20)):
            if len(pool) >= 2:
                _wait(rng, pool.pop(), pool.pop())


def _last(tasks: list[TaskDraft]) -> TaskDraft:
    """The task that says that the DAG's work is done: its only leaf, or the last one."""
    named = [t for t in tasks if t.role == "publish" and not t.is_mapped]
    return named[-1] if named else [t for t in tasks if not t.is_mapped][-1]


def _trigger(rng: np.random.Generator, parent: DagDraft, child: DagDraft) -> None:
    for version in parent.versions:
        task = dress(rng, Node("trigger_next", (_last(version.tasks).task_id,), "trigger"))
        version.tasks.append(replace(task, trigger_dag_id=child.dag_id))


def _feed(parent: DagDraft, child: DagDraft) -> None:
    uri = f"s3://larkmere-lake/{parent.project}/{parent.dag_id}"
    child.asset_uris = (uri,)
    for version in parent.versions:
        last = _last(version.tasks).task_id
        version.tasks = [replace(t, outlet_assets=(uri,)) if t.task_id == last else t
                         for t in version.tasks]
    for version in child.versions:
        version.tasks = [replace(t, inlet_assets=t.inlet_assets if t.upstreams else (uri,))
                         for t in version.tasks]


def _wait(rng: np.random.Generator, parent: DagDraft, child: DagDraft) -> None:
    """The child is due when the parent is: so its sensor finds the run of the same logical date."""
    child.minutes, child.schedule = parent.minutes, parent.schedule
    awaited = _last(parent.versions[0].tasks).task_id if rng.random() < 0.7 else None
    task = dress(rng, Node(f"wait_for_{parent.dag_id}"[:200], (), "wait"))
    task = replace(task, external_dag_id=parent.dag_id, external_task_id=awaited,
                   timeout_seconds=14_400.0, base_seconds=20.0)
    for version in child.versions:
        version.tasks = [task, *(t if t.upstreams else replace(t, upstreams=(task.task_id,))
                                 for t in version.tasks)]


def waves(dags: list[DagDraft]) -> dict[Key, int]:
    """Key of a DAG -> 0 for what hangs on nobody, else one more than what it hangs on."""
    needs: dict[Key, set[Key]] = {(d.cluster, d.dag_id): set() for d in dags}
    producers = {(d.cluster, uri): (d.cluster, d.dag_id)
                 for d in dags for v in d.versions for t in v.tasks for uri in t.outlet_assets}
    for draft in dags:
        key = draft.cluster, draft.dag_id
        for task in (t for v in draft.versions for t in v.tasks):
            if task.external_dag_id:
                needs[key].add((draft.cluster, task.external_dag_id))
            if task.trigger_dag_id:
                needs[draft.cluster, task.trigger_dag_id].add(key)
        for uri in draft.asset_uris:
            if (draft.cluster, uri) in producers:
                needs[key].add(producers[draft.cluster, uri])
    found: dict[Key, int] = {}

    def wave(key: Key) -> int:
        if key not in found:
            found[key] = 0      # a circle would end here
            found[key] = 1 + max((wave(k) for k in needs[key]), default=-1)
        return found[key]

    return {key: wave(key) for key in needs}
