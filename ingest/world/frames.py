"""Drafts as frames: the company's side of the contract with who writes databases from it.

    DagDrafts  ->  dags, versions, tasks (what Airflow knows), habits, rhythms (what it does not)
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from ingest.world.crowded import POOL, PRODUCTION
from ingest.world.drafts import DagDraft, TaskDraft

INSTANT = pl.Datetime("us", "UTC")
CLUSTERS = (("market", "2.10.5", "prod"), ("stories", "3.1.8", "prod"),
            ("staging", "2.11.0", "staging"))
_ROOM = 100_000         # of the pool and the parallelism that are never meant to be full
_TEXTS = pl.List(pl.String)
Facts = dict[str, Any]

DAG_SCHEMA: dict[str, Any] = {
    "cluster": pl.String, "dag_id": pl.String, "owner": pl.String, "team": pl.String,
    "tier": pl.Int64, "project": pl.String, "tags": _TEXTS, "schedule": pl.String,
    "description": pl.String, "relative_fileloc": pl.String, "is_paused": pl.Boolean,
    "max_active_runs": pl.Int64, "max_active_tasks": pl.Int64, "catchup": pl.Boolean,
    "start_at": INSTANT, "end_at": INSTANT, "import_error": pl.String, "first_seen_at": INSTANT,
    "last_parsed_at": INSTANT, "asset_uris": _TEXTS, "scenario": pl.String}
RHYTHM_SCHEMA: dict[str, Any] = {
    "cluster": pl.String, "dag_id": pl.String, "rhythm": pl.String, "minutes": pl.List(pl.Int64),
    "weekdays": pl.List(pl.Int64), "manual_ratio": pl.Float64, "runs_from_at": INSTANT,
    "runs_until_at": INSTANT, "stuck_at": INSTANT, "weekend_factor": pl.Float64,
    "month_end_factor": pl.Float64, "is_exact": pl.Boolean, "is_steady": pl.Boolean,
    "wave": pl.Int64}
VERSION_SCHEMA: dict[str, Any] = {
    "cluster": pl.String, "dag_id": pl.String, "version_number": pl.Int64, "created_at": INSTANT,
    "revision": pl.String}
TASK_SCHEMA: dict[str, Any] = {
    "cluster": pl.String, "dag_id": pl.String, "version_number": pl.Int64, "task_id": pl.String,
    "operator": pl.String, "trigger_rule": pl.String, "retries": pl.Int64,
    "retry_delay_seconds": pl.Float64, "pool": pl.String, "pool_slots": pl.Int64,
    "queue": pl.String, "priority_weight": pl.Int64, "upstream_task_ids": _TEXTS,
    "is_sensor": pl.Boolean, "is_mapped": pl.Boolean, "depends_on_past": pl.Boolean,
    "requested_cpu_cores": pl.Float64, "requested_memory_bytes": pl.Int64,
    "external_dag_id": pl.String, "external_task_id": pl.String, "trigger_dag_id": pl.String,
    "inlet_assets": _TEXTS, "outlet_assets": _TEXTS}
HABIT_SCHEMA: dict[str, Any] = {
    "cluster": pl.String, "dag_id": pl.String, "version_number": pl.Int64, "task_id": pl.String,
    "role": pl.String, "base_seconds": pl.Float64, "sigma": pl.Float64, "tail_ratio": pl.Float64,
    "growth_per_day": pl.Float64, "failure_ratio": pl.Float64, "skip_ratio": pl.Float64,
    "flaky_ratio": pl.Float64, "error_kinds": _TEXTS, "resource": pl.String,
    "memory_bytes": pl.Int64, "memory_sigma": pl.Float64, "memory_limit_bytes": pl.Int64,
    "cpu_ratio": pl.Float64, "map_low": pl.Int64, "map_high": pl.Int64,
    "timeout_seconds": pl.Float64}
_OF_DAG = {"cluster": pl.String, "dag_id": pl.String}
_OF_TASK = _OF_DAG | {"task_id": pl.String}
FACT_SCHEMAS: dict[str, dict[str, Any]] = {
    "incident_windows": {
        "incident_id": pl.String, "cluster": pl.String, "cause": pl.String, "resource": pl.String,
        "error_kind": pl.String, "from_at": INSTANT, "to_at": INSTANT},
    "slowdowns": _OF_TASK | {"from_at": INSTANT, "factor": pl.Float64, "cause": pl.String},
    "hungrier": _OF_TASK | {"from_at": INSTANT, "factor": pl.Float64, "limit_bytes": pl.Int64},
    "anomaly_days": _OF_TASK | {"date": pl.Date, "factor": pl.Float64},
    "flaky": _OF_TASK | {"ratio": pl.Float64},
    "right_sizing": _OF_TASK | {"requested_memory_bytes": pl.Int64,
                                "used_memory_bytes": pl.Int64},
    "unscheduled": _OF_DAG | {"reason_code": pl.String, "since_at": INSTANT,
                              "is_expected": pl.Boolean}}


def facts_frames(facts: dict[str, list[Facts]]) -> dict[str, pl.DataFrame]:
    """What was planted: a frame of each kind, also where there is nothing of it."""
    return {name: pl.DataFrame(facts.get(name, []), schema=schema)
            for name, schema in FACT_SCHEMAS.items()}


def clusters_frame() -> pl.DataFrame:
    """cluster, release, kind, parallelism."""
    return pl.DataFrame([(*c, _ROOM) for c in CLUSTERS], orient="row",
                        schema={"cluster": pl.String, "release": pl.String, "kind": pl.String,
                                "parallelism": pl.Int64})


def pools_frame(small_slots: int) -> pl.DataFrame:
    """cluster, pool, slots: a roomy default pool, and on production a small one that fills up."""
    rows = [(cluster, "default_pool", _ROOM) for cluster, _, _ in CLUSTERS]
    rows += [(cluster, POOL, small_slots) for cluster in PRODUCTION]
    return pl.DataFrame(rows, orient="row", schema={
        "cluster": pl.String, "pool": pl.String, "slots": pl.Int64})


def dags_frame(dags: list[DagDraft]) -> pl.DataFrame:
    """A row per DAG."""
    return _frame((_dag_facts(d) for d in dags), dags, DAG_SCHEMA)


def _dag_facts(draft: DagDraft) -> dict[str, Any]:
    tags = [f"team:{draft.team}", f"tier:{draft.tier}", f"project:{draft.project}"]
    return {"tags": tags, "first_seen_at": draft.versions[0].created_at}


def rhythms_frame(dags: list[DagDraft], waves: dict[tuple[str, str], int]) -> pl.DataFrame:
    """A row per DAG, in the order of `dags`."""
    return _frame(({"wave": waves[d.cluster, d.dag_id]} for d in dags), dags, RHYTHM_SCHEMA)


def versions_frame(seed: int, dags: list[DagDraft]) -> pl.DataFrame:
    """A row per version of a DAG."""
    rows = []
    for draft in dags:
        for number, version in enumerate(draft.versions, start=1):
            text = f"{seed}/{draft.cluster}/{draft.dag_id}/{number}"
            revision = hashlib.sha256(text.encode()).hexdigest()[:40]
            rows.append((draft.cluster, draft.dag_id, number, version.created_at, revision))
    return pl.DataFrame(rows, orient="row", schema=VERSION_SCHEMA)


def tasks_frame(dags: list[DagDraft]) -> pl.DataFrame:
    """A row per DAG, version and task."""
    facts, tasks = [], []
    for draft, number, siblings in _versions(dags):
        weights = weights_of(siblings)
        for task in siblings:
            tasks.append(task)
            facts.append({"cluster": draft.cluster, "dag_id": draft.dag_id,
                          "version_number": number, "priority_weight": weights[task.task_id],
                          "upstream_task_ids": list(task.upstreams), "depends_on_past": False})
    return _frame(facts, tasks, TASK_SCHEMA)


def habits_frame(dags: list[DagDraft]) -> pl.DataFrame:
    """How tasks behave, in the order of `tasks`."""
    facts, tasks = [], []
    for draft, number, siblings in _versions(dags):
        tasks += siblings
        facts += [{"cluster": draft.cluster, "dag_id": draft.dag_id, "version_number": number}
                  ] * len(siblings)
    return _frame(facts, tasks, HABIT_SCHEMA)


def weights_of(tasks: list[TaskDraft]) -> dict[str, int]:
    """Airflow's own rule: a task weighs one, and one for each task that comes after it."""
    below: dict[str, int] = {}          # task -> a bit for each task after it, and its own
    places = {task.task_id: i for i, task in enumerate(tasks)}
    masks = [1 << i for i in range(len(tasks))]
    for task in reversed(tasks):
        place = places[task.task_id]
        below[task.task_id] = masks[place].bit_count()
        for upstream in task.upstreams:
            masks[places[upstream]] |= masks[place]
    return below


def _versions(dags: list[DagDraft]) -> Iterator[tuple[DagDraft, int, list[TaskDraft]]]:
    for draft in dags:
        for number, version in enumerate(draft.versions, start=1):
            yield draft, number, version.tasks


def _frame(facts: Iterable[Facts], drafts: Sequence[DagDraft | TaskDraft],
           schema: dict[str, Any]) -> pl.DataFrame:
    """A row per draft: what is known beside it, else its own attribute of a column's name."""
    known = list(facts)
    given = known[0].keys() if known else ()
    columns = {name: [fact[name] for fact in known] if name in given
               else [getattr(draft, name) for draft in drafts] for name in schema}
    return pl.DataFrame({name: _series(values, schema[name]) for name, values in columns.items()})


def _series(values: list[Any], kind: Any) -> pl.Series:
    """Lists by way of Arrow: Polars would make a series of each."""
    if not isinstance(kind, pl.List):
        return pl.Series(values, dtype=kind)
    inner = pa.string() if kind == _TEXTS else pa.int64()
    return pl.Series(pa.array(values, pa.list_(inner))).cast(kind)
