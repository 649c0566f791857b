"""Task rows: the allow list of `dag.tasks[]`.

task fields → partial_kwargs (mapped) → client_defaults (3.1+) → Airflow's default ─► one row
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ingest.sources.airflow_db.structure.graph import Edges, Groups
from ingest.sources.airflow_db.structure.mapping import MapInput, map_input
from ingest.sources.airflow_db.structure.readers import (
    Field,
    Unreadable,
    airflow_key,
    as_list,
    as_object,
    class_path,
    code,
    flag,
    instant,
    note,
    number,
    presence,
    read_fields,
    seconds,
    text,
    unwrap,
    whole,
)
from ingest.sources.airflow_db.structure.resources import resources_of


def _backoff(value: Any) -> float:
    """How much each retry delay grows: true is 2 (2.x), a number is itself (3.2+), 0 is off."""
    value = unwrap(value)
    if isinstance(value, bool):
        return 2.0 if value else 0.0
    return number(value)


def _mode(value: Any) -> str:
    value = text(value)
    if value not in ("poke", "reschedule"):
        raise Unreadable
    return str(value)


TASK_FIELDS = (
    Field("operator", ("task_type", "_task_type"), class_path, "BaseOperator"),
    Field("operator_module", ("_task_module",), class_path),
    Field("custom_operator_name", ("_operator_name",), text),
    Field("owner", ("owner",), text, "airflow"),
    Field("trigger_rule", ("trigger_rule",), code, "all_success"),
    Field("retries", ("retries",), whole, 0),
    Field("retry_delay_seconds", ("retry_delay",), seconds, 300.0),
    Field("retry_backoff_multiplier", ("retry_exponential_backoff",), _backoff, 0.0),
    Field("max_retry_delay_seconds", ("max_retry_delay",), seconds),
    Field("execution_timeout_seconds", ("execution_timeout",), seconds),
    Field("pool", ("pool",), text, "default_pool"),
    Field("pool_slots", ("pool_slots",), whole, 1),
    Field("queue", ("queue",), text, "default"),
    Field("priority_weight", ("priority_weight",), whole, 1),
    Field("weight_rule", ("weight_rule",), class_path, "downstream"),
    Field("executor", ("executor",), text),
    Field("depends_on_past", ("depends_on_past",), flag, False),
    Field("wait_for_downstream", ("wait_for_downstream",), flag, False),
    Field("ignore_first_depends_on_past", ("ignore_first_depends_on_past",), flag, False),
    Field("max_active_tis_per_dag", ("max_active_tis_per_dag", "task_concurrency"), whole),
    Field("max_active_tis_per_dagrun", ("max_active_tis_per_dagrun",), whole),
    Field("start_date_at", ("start_date",), instant),
    Field("end_date_at", ("end_date",), instant),
    Field("sla_seconds", ("sla",), seconds),
    Field("is_empty", ("_is_empty", "_is_dummy"), flag, False),
    Field("is_setup", ("is_setup",), flag, False),
    Field("is_teardown", ("is_teardown",), flag, False),
    Field("on_failure_fail_dagrun", ("on_failure_fail_dagrun",), flag, False),
    Field("sensor_mode", ("mode",), _mode),
    Field("poke_interval_seconds", ("poke_interval",), seconds),
    Field("sensor_timeout_seconds", ("timeout",), seconds),
    Field("is_deferrable", ("deferrable",), flag),
    Field("starts_from_trigger", ("start_from_trigger",), flag, False),
    Field("external_logical_delta_seconds", ("execution_delta",), seconds),
)
_CALLBACK_FIELDS = tuple(
    Field(f"has_{name}", (f"has_{name}", name), presence, False)
    for name in (
        "on_execute_callback",
        "on_failure_callback",
        "on_retry_callback",
        "on_skipped_callback",
        "on_success_callback",
    )
)
_SENSOR_ONLY = ("sensor_mode", "poke_interval_seconds", "sensor_timeout_seconds")
_TEMPLATED_IDS = ("external_dag_id", "external_task_group_id", "trigger_dag_id")


class DagContext(NamedTuple):
    """What a task row needs to know of its DAG."""

    dag: Mapping[str, Any]
    client_defaults: Mapping[str, Any]
    edges: Edges
    groups: Groups
    faults: list[str]


def task_row(position: int, task_id: str, own: Mapping[str, Any], of: DagContext) -> dict[str, Any]:
    """One row of TASK_SCHEMA.

    Args:
        position: its place in `dag.tasks`, for the faults.
        task_id: its id, known to be sound and unique.
        own: its JSON object, unwrapped.
        of: the DAG around it.

    Returns:
        The row. Dates are the effective ones (Airflow drops a task's date that equals its DAG's).
        `retries` and other limits are the configured ones, not a running instance's.
    """
    path = f"tasks[{position}]"
    fields = _effective(own, of.client_defaults, path, of.faults)
    row: dict[str, Any] = {"dag_id": of.dag["dag_id"], "task_id": task_id}
    row |= read_fields(fields, TASK_FIELDS, path, of.faults)
    row |= read_fields(fields, _CALLBACK_FIELDS, path, of.faults)
    for name in ("start_date", "end_date"):
        if row[f"{name}_at"] is None and fields.get(name) is None:
            row[f"{name}_at"] = of.dag[f"{name}_at"]
    multiplier = row["retry_backoff_multiplier"]
    row["retry_exponential_backoff"] = None if multiplier is None else multiplier > 0
    row |= _sensor(fields, row)
    row |= _external_ids(fields, path, of.faults)
    row |= resources_of(fields, path, of.faults)
    row |= _place(task_id, of)
    is_mapped = own.get("_is_mapped") is True
    mapped = map_input(own, path, of.faults) if is_mapped else MapInput()
    row |= {
        "is_mapped": is_mapped,
        "map_kind": mapped.kind,
        "map_literal_count": mapped.literal_count,
    }
    return row


def _effective(
    own: Mapping[str, Any], client_defaults: Mapping[str, Any], path: str, faults: list[str]
) -> Mapping[str, Any]:
    """The task's fields over its partial_kwargs over the client's defaults."""
    partial = own.get("partial_kwargs")
    if not partial and not client_defaults:
        return own
    try:
        return {**client_defaults, **as_object(partial or {}), **own}
    except Unreadable:
        note(faults, f"{path}.partial_kwargs")
        return {**client_defaults, **own}


def _place(task_id: str, of: DagContext) -> dict[str, Any]:
    """Where the task lies in the graph and in the groups."""
    group_id = of.groups.group_of_task.get(task_id)
    label = task_id
    if group_id is not None and of.groups.is_prefixed[group_id]:
        label = task_id.removeprefix(f"{group_id}.")
    return {
        "label": label,
        "task_group_id": group_id,
        "mapped_task_group_id": of.groups.mapped_group_of_group.get(group_id) if group_id else None,
        "upstream_task_ids": of.edges.upstream[task_id],
        "downstream_task_ids": of.edges.downstream[task_id],
        "depth_index": of.edges.depth[task_id],
    }


def _sensor(fields: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the task is a sensor, and how that is known.

    `sensor_basis`: declared (`_is_sensor` of 3.x, `reschedule` of 2.3+, which only sensors have),
    deps (its rescheduling dependency, 2.x), name (class or module says sensor: all 1.10 has).
    `timeout`, `mode` and `poke_interval` are serialized only for mapped sensors, where they are
    partial_kwargs; and operators that are no sensors have a `timeout` of another meaning.
    """
    reschedules = fields.get("reschedule")
    deps = fields.get("deps")
    operator, module = str(row["operator"]), str(row["operator_module"])
    basis = None
    if fields.get("_is_sensor") is True or isinstance(reschedules, bool):
        basis = "declared"
    elif isinstance(deps, list) and any(
        isinstance(dep, str) and dep.endswith("ReadyToRescheduleDep") for dep in deps
    ):
        basis = "deps"
    elif operator.removesuffix("Async").endswith("Sensor") or (
        operator == "DecoratedSensorOperator" or (".sensors." in module and "Sensor" in operator)
    ):
        basis = "name"
    found: dict[str, Any] = {"is_sensor": basis is not None, "sensor_basis": basis}
    if basis is None:
        found |= dict.fromkeys(_SENSOR_ONLY)
    elif row["sensor_mode"] is None and isinstance(reschedules, bool):
        found["sensor_mode"] = "reschedule" if reschedules else "poke"
    found["is_deferrable"] = _is_deferrable(operator, row)
    try:
        arguments = as_object(fields.get("start_trigger_args") or {})
        found["start_trigger_class"] = class_path(arguments.get("trigger_cls"))
    except Unreadable:
        found["start_trigger_class"] = None
    return found


def _is_deferrable(operator: str, row: Mapping[str, Any]) -> bool | None:
    """True, False, or None: an operator's `deferrable` is serialized only when it is mapped."""
    if row["is_deferrable"] is None and (row["starts_from_trigger"] or operator.endswith("Async")):
        return True
    return None if row["is_deferrable"] is None else bool(row["is_deferrable"])


def _external_ids(fields: Mapping[str, Any], path: str, faults: list[str]) -> dict[str, Any]:
    """Ids of other DAGs and tasks, where they are literal."""
    row: dict[str, Any] = {}
    for key in (*_TEMPLATED_IDS, "external_task_id", "external_task_ids"):
        try:
            row[key] = _literal_ids(fields.get(key))
        except Unreadable:
            row[key] = None
            note(faults, f"{path}.{key}")
    only = row.pop("external_task_id")
    row["external_task_ids"] = row["external_task_ids"] or only
    for key in _TEMPLATED_IDS:
        row[key] = row[key][0] if row[key] else None
    return row


def _literal_ids(raw: Any) -> list[str] | None:
    """The ids of a text or a list of texts, sorted; None when one is no id but a Jinja template.

    These fields are operator arguments, so what is not an id by Airflow's own rule stays inside; it
    is no fault, for templates (and `DYNAMIC (set during execution)`, 3.x) are legal there.
    """
    if raw is None:
        return None
    values = [text(item) for item in ([raw] if isinstance(raw, str) else as_list(raw))]
    try:
        return sorted({airflow_key(value) for value in values}) or None
    except Unreadable:
        return None
