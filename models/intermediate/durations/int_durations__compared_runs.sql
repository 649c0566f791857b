-- The successes of the latest week and of the four weeks before it, for "what got slower this week?".
-- Days count back from when the cluster was last read, so a frozen copy is compared with itself. A run
-- belongs to the days in which it ended: only then is it known how long it took.
-- A view: both readers pick other columns, and reading five weeks twice is cheaper than writing them.
{{ config(materialized='view') }}

{# Whole weeks, so that each weekday weighs as much on both sides. #}
{% set recent_days = 7 %}   {# shorter: a weekly run is missing; longer: news of last week #}
{% set before_days = 28 %}  {# longer: a slowdown of two months ago passes for the usual #}

with windows as (
    select
        cluster,
        observed_at as recent_until_at,
        observed_at - to_days({{ recent_days }}) as recent_from_at,
        observed_at - to_days({{ recent_days + before_days }}) as before_from_at
    from {{ ref('int_changes__clusters') }}
),

dag_runs as (
    select * from {{ ref('fct_dag_runs') }}
)

select
    dag_runs.cluster,
    dag_runs.dag_id,
    dag_runs.run_id,

    dag_runs.started_at,
    windows.recent_until_at,
    windows.recent_from_at,
    windows.before_from_at,

    dag_runs.duration_seconds,
    dag_runs.running_seconds + dag_runs.retry_wait_seconds + dag_runs.deferred_seconds
        as own_seconds,
    dag_runs.lead_seconds + dag_runs.handoff_seconds + dag_runs.tail_seconds as waiting_seconds,
    dag_runs.external_wait_seconds as external_seconds,
    -- Before it started. When a run was due is known of scheduled ones alone, since 2.2; no other can be
    -- created late.
    if(
        dag_runs.run_kind = 'scheduled',
        dag_runs.created_late_seconds + dag_runs.run_queued_seconds,
        dag_runs.run_queued_seconds
    ) as inherited_seconds,

    dag_runs.ended_at > windows.recent_from_at as is_recent
from dag_runs
inner join windows
    on
        dag_runs.cluster = windows.cluster
        and dag_runs.ended_at > windows.before_from_at
where
    dag_runs.state = 'success'
    and dag_runs.run_kind is distinct from 'backfill'
    and not dag_runs.was_rerun
    -- an end before the start, marked at the door: its path is empty, and nothing would add up
    and dag_runs.duration_seconds >= 0
