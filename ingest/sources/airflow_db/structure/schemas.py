"""Arrow schemas of the projection: the closed list of columns that can leave this package.

    DAG_SCHEMA 1 ─► n GROUP_SCHEMA, n TASK_SCHEMA, n DEPENDENCY_SCHEMA       (all keyed by dag_id)

The loader adds the cluster, the version of the DAG and its own stamps.
"""

import pyarrow as pa

_TEXT = pa.string()
_TEXTS = pa.list_(pa.string())
_WHOLE = pa.int64()
_NUMBER = pa.float64()
_FLAG = pa.bool_()
_INSTANT = pa.timestamp("us", tz="UTC")


def _schema(keys: tuple[str, ...], columns: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema(
        [pa.field(name, kind, nullable=name not in keys) for name, kind in columns.items()]
    )


DAG_SCHEMA = _schema(
    ("dag_id", "structure_hash", "graph_hash"),
    {
        "dag_id": _TEXT,
        "format_version": pa.int32(),
        "structure_hash": _TEXT,
        "graph_hash": _TEXT,
        "schedule_kind": _TEXT,
        "schedule_expression": _TEXT,
        "schedule_seconds": _NUMBER,
        "schedule_timezone": _TEXT,
        "timetable_class": _TEXT,
        "asset_condition": _TEXT,
        "timezone": _TEXT,
        "start_date_at": _INSTANT,
        "end_date_at": _INSTANT,
        "earliest_run_at": _INSTANT,
        "latest_run_at": _INSTANT,
        "catchup": _FLAG,
        "max_active_runs": _WHOLE,
        "max_active_tasks": _WHOLE,
        "max_consecutive_failed_dag_runs": _WHOLE,
        "dagrun_timeout_seconds": _NUMBER,
        "fail_fast": _FLAG,
        "is_paused_upon_creation": _FLAG,
        "has_on_success_callback": _FLAG,
        "has_on_failure_callback": _FLAG,
        "tags": _TEXTS,
        "params_schema": _TEXT,
        "deadline_count": _WHOLE,
        "deadline_alert_ids": _TEXTS,
        "deadline_intervals_seconds": pa.list_(_NUMBER),
        "doc_character_count": _WHOLE,
        "task_count": _WHOLE,
        "edge_count": _WHOLE,
    },
)

GROUP_SCHEMA = _schema(
    ("dag_id", "task_group_id"),
    {
        "dag_id": _TEXT,
        "task_group_id": _TEXT,
        "parent_task_group_id": _TEXT,
        "is_prefixed": _FLAG,
        "is_mapped": _FLAG,
        "map_kind": _TEXT,
        "map_literal_count": _WHOLE,
    },
)

TASK_SCHEMA = _schema(
    ("dag_id", "task_id", "upstream_task_ids", "downstream_task_ids"),
    {
        "dag_id": _TEXT,
        "task_id": _TEXT,
        "label": _TEXT,
        "operator": _TEXT,
        "operator_module": _TEXT,
        "custom_operator_name": _TEXT,
        "task_group_id": _TEXT,
        "mapped_task_group_id": _TEXT,
        "upstream_task_ids": _TEXTS,
        "downstream_task_ids": _TEXTS,
        "depth_index": _WHOLE,
        "is_mapped": _FLAG,
        "map_kind": _TEXT,
        "map_literal_count": _WHOLE,
        "owner": _TEXT,
        "trigger_rule": _TEXT,
        "retries": _WHOLE,
        "retry_delay_seconds": _NUMBER,
        "retry_exponential_backoff": _FLAG,
        "retry_backoff_multiplier": _NUMBER,
        "max_retry_delay_seconds": _NUMBER,
        "execution_timeout_seconds": _NUMBER,
        "pool": _TEXT,
        "pool_slots": _WHOLE,
        "queue": _TEXT,
        "priority_weight": _WHOLE,
        "weight_rule": _TEXT,
        "executor": _TEXT,
        "depends_on_past": _FLAG,
        "wait_for_downstream": _FLAG,
        "ignore_first_depends_on_past": _FLAG,
        "max_active_tis_per_dag": _WHOLE,
        "max_active_tis_per_dagrun": _WHOLE,
        "start_date_at": _INSTANT,
        "end_date_at": _INSTANT,
        "sla_seconds": _NUMBER,
        "is_empty": _FLAG,
        "is_setup": _FLAG,
        "is_teardown": _FLAG,
        "on_failure_fail_dagrun": _FLAG,
        "is_sensor": _FLAG,
        "sensor_basis": _TEXT,
        "sensor_mode": _TEXT,
        "poke_interval_seconds": _NUMBER,
        "sensor_timeout_seconds": _NUMBER,
        "is_deferrable": _FLAG,
        "starts_from_trigger": _FLAG,
        "start_trigger_class": _TEXT,
        "external_dag_id": _TEXT,
        "external_task_ids": _TEXTS,
        "external_task_group_id": _TEXT,
        "external_logical_delta_seconds": _NUMBER,
        "trigger_dag_id": _TEXT,
        "requested_cpu_cores": _NUMBER,
        "requested_memory_bytes": _WHOLE,
        "limit_cpu_cores": _NUMBER,
        "limit_memory_bytes": _WHOLE,
        "resources_basis": _TEXT,
        "has_on_execute_callback": _FLAG,
        "has_on_failure_callback": _FLAG,
        "has_on_retry_callback": _FLAG,
        "has_on_skipped_callback": _FLAG,
        "has_on_success_callback": _FLAG,
    },
)

DEPENDENCY_SCHEMA = _schema(
    ("dag_id",),
    {
        "dag_id": _TEXT,
        "source": _TEXT,
        "target": _TEXT,
        "dependency_type": _TEXT,
        "dependency_id": _TEXT,
        "asset_name": _TEXT,
        "asset_uri": _TEXT,
    },
)
