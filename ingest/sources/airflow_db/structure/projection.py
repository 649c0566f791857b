"""The projection: one serialized DAG in, rows without secrets out.

decode(…) ─► dag_row · tasks_of ─► edges_of · groups_of ─► task_row ─► dependencies ─► hashes
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.sources.airflow_db.structure.assets import canonical, dependencies
from ingest.sources.airflow_db.structure.dags import dag_row, run_bounds, tasks_of
from ingest.sources.airflow_db.structure.decoding import StructureError
from ingest.sources.airflow_db.structure.graph import edges_of, groups_of
from ingest.sources.airflow_db.structure.readers import (
    Unreadable,
    as_object,
    identifier,
    note,
    unwrap,
    whole,
)
from ingest.sources.airflow_db.structure.tasks import DagContext, task_row

MAX_SUBDAG_DEPTH = 20
KNOWN_VERSIONS = (1, 2, 3)

_VOLATILE = frozenset(
    {
        "format_version", "start_date_at", "end_date_at", "earliest_run_at", "latest_run_at",
        "doc_character_count", "deadline_alert_ids",
    }
)  # fmt: skip
_GRAPH_COLUMNS = (
    "task_id", "downstream_task_ids", "trigger_rule", "task_group_id", "mapped_task_group_id",
    "is_mapped", "is_setup", "is_teardown",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DagStructure:
    """The allow-listed structure of one DAG, ready for `pyarrow.Table.from_pylist`.

    `dag` fits DAG_SCHEMA, `groups` GROUP_SCHEMA, `tasks` TASK_SCHEMA (sorted by task_id) and
    `dependencies` DEPENDENCY_SCHEMA. `faults` names the fields that could not be read, at most 100
    of them, such as `tasks[3].retries`; it holds no value.
    """

    dag: dict[str, Any]
    groups: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    dependencies: list[dict[str, Any]]
    faults: list[str]


def project(serialized: Mapping[str, Any]) -> DagStructure:
    """The structure of one serialized DAG.

    Args:
        serialized: what `decode` returned: `{"__version": …, "dag": {…}, "client_defaults"?: {…}}`.

    Returns:
        Its structure. `structure_hash` is the sha256 of all of it but dates (a start date computed
        at parse time would make a new structure at every parse), the format version (an upgrade of
        Airflow is no change of the DAG), the doc's length, ids of deadline alerts, and faults.
        `graph_hash` covers only tasks, edges, groups, trigger rules, mapping, setup and teardown.

    Raises:
        StructureError: there is no DAG object or no usable dag_id in it.
    """
    faults: list[str] = []
    dag_id, dag = _head(serialized)
    row = dag_row(dag_id, dag, _version(serialized, faults), faults)
    declared = tasks_of(dag, faults)
    fields_of_task = {task_id: fields for _, task_id, fields in declared}
    groups = groups_of(dag.get("task_group", dag.get("_task_group")), fields_of_task, faults)
    context = DagContext(
        dag=row,
        client_defaults=_client_defaults(serialized, faults),
        edges=edges_of(fields_of_task, faults),
        groups=groups,
        faults=faults,
    )
    tasks = [task_row(*task, context) for task in sorted(declared, key=lambda task: task[1])]
    row |= run_bounds(row, tasks)
    group_rows = [{"dag_id": dag_id, **group} for group in groups.rows]
    links = dependencies(dag_id, dag, tasks, faults)
    row["task_count"] = len(tasks)
    row["edge_count"] = sum(len(task["downstream_task_ids"]) for task in tasks)
    row["graph_hash"] = _digest([group_rows, [[t[c] for c in _GRAPH_COLUMNS] for t in tasks]])
    row["structure_hash"] = _digest([_stable(r) for r in (row, *group_rows, *tasks, *links)])
    return DagStructure(row, group_rows, tasks, links, faults)


def project_all(serialized: Mapping[str, Any]) -> Iterator[DagStructure]:
    """`project`, then the same for every SubDAG inside (1.10 and 2.x), the parent first.

    Raises:
        StructureError: as `project`, for the outermost DAG. A malformed SubDAG is left out, and
            named in the faults of the DAG that holds it.
    """
    waiting: list[tuple[Any, int]] = [(serialized.get("dag"), 0)]
    while waiting:
        raw, depth = waiting.pop(0)
        structure = project({**serialized, "dag": raw})
        for position, _, fields in tasks_of(as_object(raw), []):
            inner = unwrap(fields.get("subdag"))
            if inner is None:
                continue
            try:
                identifier(as_object(inner).get("_dag_id"))
            except Unreadable:
                note(structure.faults, f"tasks[{position}].subdag")
                continue
            if depth < MAX_SUBDAG_DEPTH:
                waiting.append((inner, depth + 1))
            else:
                note(structure.faults, f"tasks[{position}].subdag")
        yield structure


def _head(serialized: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        dag = as_object(serialized.get("dag"))
        return identifier(dag.get("dag_id", dag.get("_dag_id"))), dag
    except Unreadable:
        raise StructureError(
            "A serialized DAG has no DAG object with a dag_id.",
            expected="the keys __version and dag, and in it dag_id or _dag_id",
            next_step="airflow dags reserialize, then land again",
        ) from None


def _version(serialized: Mapping[str, Any], faults: list[str]) -> int | None:
    """`__version`; one that is newer than this code is kept and noted."""
    try:
        version = whole(serialized.get("__version"))
    except Unreadable:
        version = -1
    if version not in KNOWN_VERSIONS:
        note(faults, "__version")
    return version if 0 < version < 2**31 else None


def _client_defaults(serialized: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """`client_defaults.tasks`: defaults of the site, where they differ from Airflow's (3.1+)."""
    try:
        return as_object(as_object(serialized.get("client_defaults") or {}).get("tasks") or {})
    except Unreadable:
        note(faults, "client_defaults")
        return {}


def _stable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in row.items() if column not in _VOLATILE}


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()
