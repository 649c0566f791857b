-- Which instances waited for a full limit, and for which: the steps of the observed paths. One that lies on
-- both paths of a failed run waited once. Kept per run, so that a build takes apart no more than the runs
-- whose steps were made anew.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__step_runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

with worklist as (
    select * from {{ ref('int_changes__step_runs') }}
),

steps as (
    select path_steps.*
    from {{ ref('fct_critical_path_steps') }} as path_steps
    semi join worklist
        on
            path_steps.cluster = worklist.cluster
            and path_steps.dag_id = worklist.dag_id
            and path_steps.run_id = worklist.run_id
    where path_steps.limit_wait_seconds > 0
)

select
    cluster,
    dag_id,
    run_id,
    task_id,
    map_index,

    -- kind:name, and names may have colons too
    split_part(limited_by, ':', 1) as limit_kind,
    substr(limited_by, length(split_part(limited_by, ':', 1)) + 2) as limit_name,

    cast(
        ready_at + to_microseconds(cast(round(past_run_wait_seconds * 1000000) as bigint)) as date
    ) as wait_date,

    -- whole microseconds: sums of seconds would differ with their order
    cast(round(limit_wait_seconds * 1000000) as bigint) as wait_us
from steps
qualify row_number() over (
    partition by cluster, dag_id, run_id, task_id, map_index
    order by path_kind = 'finish' desc
) = 1
