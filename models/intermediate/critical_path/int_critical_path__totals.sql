-- The tiles of every touched run's finish path. They add up to the run's wall clock.
{{ config(materialized='table') }}

with runs as (
    select * from {{ ref('int_runs__windows') }}
),

steps as (
    select
        run_number,
        sum(running_us)::bigint as running_us,
        sum(retry_wait_us)::bigint as retry_wait_us,
        sum(deferred_us)::bigint as deferred_us,
        sum(external_wait_us)::bigint as external_wait_us,
        sum(if(step_number = 1, handoff_us, 0))::bigint as lead_us,
        sum(if(step_number = 1, 0, handoff_us))::bigint as handoff_us,
        max(segment_ended_at) as last_ended_at,
        bool_or(has_clock_skew) as has_clock_skew,
        bool_or(has_missing_tries) as has_missing_tries,
        bool_or(was_lost) as has_lost_tasks
    from {{ ref('int_critical_path__steps') }}
    where path_kind = 'finish'
    group by run_number
)

select
    runs.run_number,

    coalesce(
        steps.lead_us, epoch_us(runs.path_ended_at) - epoch_us(runs.path_started_at)
    ) as lead_us,
    coalesce(steps.running_us, 0) as running_us,
    coalesce(steps.retry_wait_us, 0) as retry_wait_us,
    coalesce(steps.deferred_us, 0) as deferred_us,
    coalesce(steps.external_wait_us, 0) as external_wait_us,
    coalesce(steps.handoff_us, 0) as handoff_us,
    coalesce(epoch_us(runs.path_ended_at) - epoch_us(steps.last_ended_at), 0) as tail_us,

    coalesce(steps.has_clock_skew, false) as has_clock_skew,
    coalesce(steps.has_missing_tries, false) as has_missing_tries,
    coalesce(steps.has_lost_tasks, false) as has_lost_tasks
from runs
-- a run without a dated instance is all lead
left join steps on runs.run_number = steps.run_number
