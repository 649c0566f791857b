-- Runs that were cleared and ran again after they had ended once: Airflow counts clears since 2.8; before,
-- an image from the first end tells, a try from before the run's (rewritten) start, or a cleared task
-- that began after everything else had ended.
{{ config(materialized='table') }}

with runs as (
    select * from {{ ref('int_runs__windows') }}
),

tries as (
    select
        run_number,
        min(busy_until_at) as first_ended_at
    from {{ ref('int_attempts__tries') }}
    where ended_at is not null
    group by run_number
),

node_tries as (
    select
        node_number,
        arg_max(started_at, try_rank) as last_started_at,
        max(busy_until_at) as last_ended_at
    from {{ ref('int_attempts__tries') }}
    group by node_number
),

cleared_runs as (
    select
        nodes.run_number,
        min(node_tries.last_started_at) filter (where nodes.was_cleared) as again_at,
        max(node_tries.last_ended_at) filter (where not nodes.was_cleared) as all_else_ended_at
    from {{ ref('int_attempts__instances') }} as nodes
    inner join node_tries on nodes.node_number = node_tries.node_number
    group by nodes.run_number
),

first_ends as (
    select
        runs.run_number
    from runs
    inner join {{ ref('stg_airflow_db__replaced_dag_runs') }} as replaced
        on
            runs.cluster = replaced.cluster
            and runs.dag_id = replaced.dag_id
            and runs.run_id = replaced.run_id
    where
        replaced.ended_at is not null
        and replaced.started_at is distinct from runs.started_at
    group by runs.run_number
)

select
    runs.run_number,

    coalesce(runs.clear_count > 0, false)
    or first_ends.run_number is not null
    or coalesce(tries.first_ended_at < runs.started_at, false)
    or coalesce(
        runs.clear_count is null and cleared_runs.again_at > cleared_runs.all_else_ended_at, false
    ) as was_rerun
from runs
-- nothing ran yet
left join tries on runs.run_number = tries.run_number
left join cleared_runs on runs.run_number = cleared_runs.run_number
-- hardly any run is seen to start anew
left join first_ends on runs.run_number = first_ends.run_number
