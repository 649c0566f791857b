-- The task instances of every run, in the state last seen. Made anew by run, like fct_dag_runs.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

with worklist as (
    select * from {{ ref('int_changes__runs') }}
),

instances as (
    select * from {{ ref('int_attempts__instances') }}
),

windows as (
    select * from {{ ref('int_runs__windows') }}
),

reruns as (
    select * from {{ ref('int_runs__reruns') }}
),

summaries as (
    select * from {{ ref('int_attempts__summaries') }}
),

path_steps as (
    select distinct node_number
    from {{ ref('int_critical_path__steps') }}
    where path_kind = 'finish'
)

select
    instances.cluster,
    instances.dag_id,
    instances.run_id,
    instances.task_id,
    instances.map_index,

    instances.state,
    instances.operator,
    instances.pool,
    instances.queue,
    instances.host_name,
    instances.external_job_id,
    instances.version_key,
    windows.run_kind,
    windows.state as run_state,

    instances.scheduled_at,
    instances.queued_at,
    summaries.started_at,
    summaries.ended_at,
    windows.started_at as run_started_at,
    instances.deleted_at,
    instances.delete_reason,

    summaries.try_count,
    instances.pool_slot_count,
    cast({{ seconds_between('summaries.started_at', 'summaries.ended_at') }} as double)
        as duration_seconds,

    summaries.has_run,
    instances.is_sensor,
    path_steps.node_number is not null as is_on_critical_path,
    coalesce(reruns.was_rerun, false) as was_rerun,
    summaries.was_marked_success,
    summaries.was_lost,
    summaries.has_missing_tries,
    instances.row_flags,
    worklist.load_number as newest_load_number
from instances
inner join worklist on instances.run_number = worklist.run_number
inner join summaries on instances.node_number = summaries.node_number
-- 1.10 has instances without a run
left join windows on instances.run_number = windows.run_number
left join reruns on instances.run_number = reruns.run_number
-- most instances are not on the path
left join path_steps on instances.node_number = path_steps.node_number
