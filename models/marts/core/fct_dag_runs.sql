-- The runs that every page starts from, with the tiles of their observed path. A build makes the runs of
-- its worklist anew and leaves all others alone; it never looks at a clock.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

with worklist as (
    select * from {{ ref('int_changes__runs') }}
),

dag_runs as (
    select * from {{ ref('stg_airflow_db__dag_runs') }}
),

windows as (
    select * from {{ ref('int_runs__windows') }}
),

reruns as (
    select * from {{ ref('int_runs__reruns') }}
),

totals as (
    select * from {{ ref('int_critical_path__totals') }}
)

select
    dag_runs.cluster,
    dag_runs.dag_id,
    dag_runs.run_id,

    dag_runs.run_kind,
    dag_runs.triggered_by,
    dag_runs.state,
    dag_runs.version_key,
    windows.structure_basis,
    dag_runs.conf,

    dag_runs.logical_at,
    dag_runs.data_interval_start_at,
    dag_runs.data_interval_end_at,
    if(dag_runs.run_kind = 'scheduled', dag_runs.due_at, null) as due_at,
    dag_runs.queued_at,
    dag_runs.started_at,
    dag_runs.ended_at,
    windows.path_ended_at,
    dag_runs.deleted_at,
    dag_runs.delete_reason,

    cast({{ seconds_between('dag_runs.started_at', 'dag_runs.ended_at') }} as double)
        as duration_seconds,
    cast(if(
        dag_runs.run_kind = 'scheduled',
        {{ seconds_between('dag_runs.due_at', 'dag_runs.ended_at') }},
        null
    ) as double) as landing_seconds,
    cast(if(
        dag_runs.run_kind = 'scheduled',
        {{ seconds_between('dag_runs.due_at', 'dag_runs.queued_at') }},
        null
    ) as double) as created_late_seconds,
    cast({{ seconds_between('dag_runs.queued_at', 'dag_runs.started_at') }} as double)
        as run_queued_seconds,
    totals.lead_us / 1000000.0 as lead_seconds,
    totals.running_us / 1000000.0 as running_seconds,
    totals.retry_wait_us / 1000000.0 as retry_wait_seconds,
    totals.deferred_us / 1000000.0 as deferred_seconds,
    totals.external_wait_us / 1000000.0 as external_wait_seconds,
    totals.handoff_us / 1000000.0 as handoff_seconds,
    totals.tail_us / 1000000.0 as tail_seconds,

    reruns.was_rerun,
    totals.has_missing_tries,
    totals.has_clock_skew,
    totals.has_lost_tasks,
    dag_runs.row_flags,
    worklist.load_number as newest_load_number
from worklist
inner join dag_runs
    on
        worklist.cluster = dag_runs.cluster
        and worklist.dag_id = dag_runs.dag_id
        and worklist.run_id = dag_runs.run_id
inner join windows on worklist.run_number = windows.run_number
inner join reruns on worklist.run_number = reruns.run_number
inner join totals on worklist.run_number = totals.run_number
