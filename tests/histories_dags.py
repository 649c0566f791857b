"""Random DAGs, as specifications, as Airflow serializes them, and as the twin wants them.

    random_dag(rng, "dag_7", modern=…)  ->  DagSpec  ->  serialized(…)  ->  serialized_dag.data
                                                     ->  structure(…)   ->  {task_id: Task}
"""

import random
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from windsock.critical_path import Task

Format = Literal["2.4", "2.10", "3"]
RULES = ("all_failed", "all_done", "one_success", "one_failed", "one_done", "none_failed",
         "none_failed_min_one_success", "none_skipped", "all_skipped", "all_done_setup_success",
         "all_done_min_one_success", "always", "dummy")
KINDS = {"python": 10, "empty": 4, "branch": 3, "short_circuit": 1.5, "poke": 1, "reschedule": 2,
         "deferrable": 2, "deferrable_sensor": 1}
OPERATORS = {
    "python": "PythonOperator", "empty": "EmptyOperator", "branch": "BranchPythonOperator",
    "short_circuit": "ShortCircuitOperator", "poke": "FileSensor", "reschedule": "FileSensor",
    "deferrable": "SparkSubmitOperator", "deferrable_sensor": "TimeDeltaSensorAsync"}
SENSORS = frozenset({"poke", "reschedule", "deferrable_sensor"})
GROUP = "part"


@dataclass(frozen=True)
class TaskSpec:
    """One task. `group` is the mapped task group that it lies in."""

    task_id: str
    upstreams: tuple[str, ...]
    rule: str = "all_success"
    kind: str = "python"
    retries: int = 0
    is_mapped: bool = False
    group: str | None = None
    depends_on_past: bool = False
    wait_for_downstream: bool = False


@dataclass(frozen=True)
class DagSpec:
    """A DAG with one or two versions.

    `is_grid`: all times fall on whole minutes, so that ends tie. `is_told`: its structure can be
    landed. `is_audited`: deferrals are in the audit log. `skew`: how far workers' clocks are off.
    """

    dag_id: str
    versions: tuple[tuple[TaskSpec, ...], ...]
    catchup: bool = False
    is_grid: bool = False
    is_told: bool = True
    is_audited: bool = False
    skew: float = 0.0
    keys: tuple[str, ...] = field(default=())


def random_dag(rng: random.Random, dag_id: str, *, form: Format) -> DagSpec:
    """Any DAG that Airflow would accept; versions only where the release has them."""
    tasks = _random_tasks(rng)
    versions = [tasks]
    if form == "3" and rng.random() < 0.4:
        versions.append(_changed(rng, tasks))
    keys = tuple(f"{rng.getrandbits(128):032x}" for _ in versions)
    return DagSpec(
        dag_id, tuple(versions), catchup=rng.random() < 0.5, is_grid=rng.random() < 0.2,
        is_told=rng.random() < 0.9, keys=keys,
        is_audited=form == "2.4" or (form == "3" and rng.random() < 0.5),
        skew=3.0 if rng.random() < 0.25 else 0.0)


def _random_tasks(rng: random.Random) -> tuple[TaskSpec, ...]:
    count = rng.choice((1, 2, 3, 4, 5, 6, 6, 7, 8, 9))
    group = range(0)
    if count > 3 and rng.random() < 0.3:
        first = rng.randrange(count - 2)
        group = range(first, min(count, first + rng.choice((2, 3))))
    past = rng.random() < 0.35
    # Not in the order of the names, for ties go by names.
    letters = rng.sample("abcdefghijklmnop", count)
    ids = [f"{GROUP}.{n}" if i in group else n for i, n in enumerate(letters)]
    tasks = []
    for place, task_id in enumerate(ids):
        near = [u for u in ids[:place] if rng.random() < (0.7 if u == ids[place - 1] else 0.3)]
        is_grouped = place in group
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        tasks.append(TaskSpec(
            task_id, tuple(sorted(near)),
            rule=rng.choice(RULES) if rng.random() < 0.35 else "all_success", kind=kind,
            retries=rng.choice((0, 0, 1, 2)) if kind != "empty" else 0,
            is_mapped=not is_grouped and rng.random() < 0.15 and kind == "python",
            group=GROUP if is_grouped else None,
            depends_on_past=(depends := past and rng.random() < 0.6),
            wait_for_downstream=depends and rng.random() < 0.4))
    return tuple(tasks)


def _changed(rng: random.Random, tasks: tuple[TaskSpec, ...]) -> tuple[TaskSpec, ...]:
    """The next version: a task more or less, other edges, another rule."""
    kept = [t for t in tasks if rng.random() < 0.9] or list(tasks[:1])
    known: list[str] = []
    changed = []
    for task in kept:
        upstreams = {u for u in task.upstreams if u in known}
        if known and rng.random() < 0.3:
            upstreams ^= {rng.choice(known)}
        rule = rng.choice(RULES) if rng.random() < 0.1 else task.rule
        changed.append(replace(task, upstreams=tuple(sorted(upstreams)), rule=rule))
        known.append(task.task_id)
    if rng.random() < 0.5:
        changed.append(TaskSpec("newer", tuple(sorted(rng.sample(known, min(2, len(known)))))))
    return tuple(changed)


def structure(tasks: tuple[TaskSpec, ...]) -> dict[str, Task]:
    """What the twin is told of a version."""
    depth: dict[str, int] = {}
    for task in tasks:
        depth[task.task_id] = 1 + max((depth[u] for u in task.upstreams), default=-1)
    return {t.task_id: Task(t.task_id, t.upstreams, t.rule, depth[t.task_id], t.group,
                            t.depends_on_past, t.wait_for_downstream) for t in tasks}


# --- as Airflow writes it ----------------------------------------------------------------------

def serialized(dag: DagSpec, version: int, form: Format) -> dict[str, Any]:
    """`serialized_dag.data` of a release."""
    tasks = dag.versions[version]
    downstream: dict[str, list[str]] = {t.task_id: [] for t in tasks}
    for task in tasks:
        for upstream in task.upstreams:
            downstream[upstream].append(task.task_id)
    bodies = [_task(t, downstream[t.task_id], form) for t in tasks]
    if form != "2.4":
        bodies = [{"__var": body, "__type": "operator"} for body in bodies]
    id_key, group_key = ("dag_id", "task_group") if form == "3" else ("_dag_id", "_task_group")
    body: dict[str, Any] = {
        id_key: dag.dag_id, group_key: _groups(tasks), "tasks": bodies, "timezone": "UTC",
        "fileloc": f"/opt/airflow/dags/{dag.dag_id}.py", "edge_info": {}, "catchup": dag.catchup}
    return {"__version": 3 if form == "3" else 1, "dag": body}


def _task(task: TaskSpec, downstream: list[str], form: Format) -> dict[str, Any]:
    operator = OPERATORS[task.kind]
    fields: dict[str, Any] = {"pool": "default_pool", "retries": task.retries,
                              "retry_delay": 60.0, "trigger_rule": task.rule}
    for name in ("depends_on_past", "wait_for_downstream"):
        if getattr(task, name):
            fields[name] = True
    if task.kind in SENSORS - {"deferrable_sensor"}:
        fields["reschedule"] = task.kind == "reschedule"
    if form == "3" and task.kind in SENSORS:
        fields["_is_sensor"] = True
    if task.kind == "empty":
        fields["_is_empty"] = True
    if form != "2.4" and task.rule == "all_done_setup_success":
        fields["is_teardown"] = True
    known = {"task_id": task.task_id, "downstream_task_ids": sorted(downstream),
             "task_type" if form == "3" else "_task_type": operator,
             "_task_module": f"airflow.operators.{task.kind}"}
    if not task.is_mapped:
        return {**fields, **known}
    inputs = {"type": "dict-of-lists", "value": {"__var": {"n": [1, 2, 3]}, "__type": "dict"}}
    return {**known, "_is_mapped": True, "partial_kwargs": fields, "op_kwargs_expand_input": inputs}


def _groups(tasks: tuple[TaskSpec, ...]) -> dict[str, Any]:
    def group(name: str | None, children: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"_group_id": name, "prefix_group_id": True, "children": children, **more}

    children: dict[str, Any] = {
        t.task_id: ["operator", t.task_id] for t in tasks if t.group is None}
    inside = {t.task_id: ["operator", t.task_id] for t in tasks if t.group}
    if inside:
        inputs = {"type": "dict-of-lists", "value": {"__var": {"n": [1, 2]}, "__type": "dict"}}
        children[GROUP] = ["taskgroup", group(GROUP, inside, is_mapped=True, expand_input=inputs)]
    return group(None, children)
