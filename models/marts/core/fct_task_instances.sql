-- The task instances of every run, in the state last seen. Incremental like fct_dag_runs.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['cluster', 'dag_id', 'run_id', 'task_id', 'map_index'],
    on_schema_change='fail',
) }}

with task_instances as (
    select * from {{ ref('stg_airflow_db__task_instances') }}
    where {{ touched_since('newest_load_number') }}
)

select
    cluster,
    dag_id,
    run_id,
    task_id,
    map_index,

    state,
    operator,
    pool,
    host_name,
    version_key,

    scheduled_at,
    queued_at,
    started_at,
    ended_at,
    deleted_at,
    delete_reason,

    cast({{ seconds_between('started_at', 'ended_at') }} as double) as duration_seconds,

    row_flags,
    newest_load_number
from task_instances
