-- Every task that a DAG has, had, or ran. Rows of DAGs that did not change stay as they are.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__dags', ['cluster', 'dag_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__dags') }}

-- depends_on: {{ ref('int_changes__dags') }}

with tasks as (
    select * from {{ ref('int_tasks__current') }}
)

select
    cluster,
    dag_id,
    task_id,

    operator,
    operator_module,
    owner,
    pool,
    queue,
    trigger_rule,
    weight_rule,
    executor,
    task_group_id,
    mapped_task_group_id,
    sensor_mode,
    external_dag_id,
    trigger_dag_id,
    version_key,
    task_basis,

    retries,
    depth_index,
    priority_weight,
    pool_slot_count,
    max_active_per_dag_count,
    max_active_per_run_count,
    retry_delay_seconds,
    max_retry_delay_seconds,
    execution_timeout_seconds,
    requested_cpu_cores,
    requested_memory_bytes,

    is_mapped,
    is_sensor,
    is_deferrable,
    is_setup,
    is_teardown,
    depends_on_past,
    wait_for_downstream,
    is_in_latest_structure,
    has_run
from tasks
