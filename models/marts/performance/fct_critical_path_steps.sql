-- The observed path of every run, step by step, with what each step waited for. Made anew by run.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__step_runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__step_runs') }}

with steps as (
    select * from {{ ref('int_limits__steps') }}
),

limit_waits as (
    select * from {{ ref('int_limits__step_waits') }}
),

loads as (
    select max(newest_load_number) as load_number
    from {{ ref('int_changes__clusters') }}
),

split as (
    select
        steps.*,
        limit_waits.limited_by,
        coalesce(limit_waits.limit_wait_seconds, 0) as limit_wait_seconds,
        {{ seconds_between('steps.ready_at', 'steps.queued_at') }} - steps.past_run_wait_seconds
            as queueing_seconds,
        {{ seconds_between('steps.queued_at', 'steps.started_at') }} as startup_seconds
    from steps
    -- most steps wait for no limit
    left join limit_waits
        using (cluster, dag_id, run_id, path_kind, step_number)
)

select
    split.cluster,
    split.dag_id,
    split.run_id,
    split.path_kind,
    split.step_number,
    split.task_id,
    split.map_index,

    split.pool,
    split.limited_by,
    split.waits_basis,
    split.structure_basis,
    split.gated_by_run_id,

    split.ready_at,
    split.queued_at,
    split.started_at,
    split.ended_at,

    split.pool_slot_count,
    split.handoff_seconds,
    split.past_run_wait_seconds,
    cast(if(
        split.queued_at is null,
        null,
        least(split.limit_wait_seconds, greatest(split.queueing_seconds, 0))
    ) as double) as limit_wait_seconds,
    cast(if(
        split.queued_at is null,
        null,
        greatest(split.queueing_seconds - split.limit_wait_seconds, 0)
    ) as double) as scheduler_wait_seconds,
    cast(split.startup_seconds as double) as startup_wait_seconds,
    split.external_wait_seconds,
    split.running_seconds,
    split.retry_wait_seconds,
    split.deferred_seconds,

    split.is_scheduler_made,
    split.has_missing_tries,
    split.has_clock_skew,
    split.has_unknown_deferral,
    split.was_lost,
    loads.load_number as newest_load_number
from split
cross join loads
