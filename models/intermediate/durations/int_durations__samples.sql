-- What a duration is measured on: the successes of tasks and of whole runs, each told whether it
-- belongs into statistics. One place: tasks and runs can never differ in what they leave out.
-- A view: history lives in the marts, and reading it thrice is cheaper than writing it once more.
{{ config(materialized='view') }}

with changed_dags as (
    select
        cluster,
        dag_id
    from {{ ref('int_changes__dags') }}
),

dag_runs as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id,
        dag_runs.run_kind,
        dag_runs.state,
        dag_runs.started_at,
        dag_runs.duration_seconds,
        dag_runs.was_rerun
    from {{ ref('fct_dag_runs') }} as dag_runs
    semi join changed_dags
        on
            dag_runs.cluster = changed_dags.cluster
            and dag_runs.dag_id = changed_dags.dag_id
),

task_instances as (
    select
        instances.cluster,
        instances.dag_id,
        instances.run_id,
        instances.task_id,
        instances.map_index,
        instances.run_kind,
        instances.state,
        instances.try_count,
        -- Instances of 1.10 may have lost their run.
        coalesce(instances.run_started_at, instances.started_at) as run_started_at,
        instances.duration_seconds,
        instances.was_rerun,
        -- Before there was audit history nobody knows who set a state; but what never ran was set.
        coalesce(instances.was_marked_success, false)
        or not instances.has_run as was_marked_success,
        instances.was_lost
    from {{ ref('fct_task_instances') }} as instances
    semi join changed_dags
        on
            instances.cluster = changed_dags.cluster
            and instances.dag_id = changed_dags.dag_id
),

single_tasks as (
    select
        cluster,
        dag_id,
        run_id,
        task_id,
        run_kind,
        run_started_at,
        duration_seconds,
        cast(null as double) as spread_seconds,
        try_count,
        was_rerun,
        was_marked_success,
        was_lost
    from task_instances
    where
        map_index < 0
        and state = 'success'
        and duration_seconds is not null
),

-- A mapped task counts once a run: its slowest index, and only if every index that was not skipped
-- succeeded. Thirty indices of one run would say nothing about other runs.
mapped_tasks as (
    select
        cluster,
        dag_id,
        run_id,
        task_id,
        any_value(run_kind) as run_kind,
        min(run_started_at) as run_started_at,
        max(duration_seconds) as duration_seconds,
        max(duration_seconds) - min(duration_seconds) as spread_seconds,
        max(try_count) as try_count,
        bool_or(was_rerun) as was_rerun,
        bool_or(was_marked_success) as was_marked_success,
        bool_or(was_lost) as was_lost
    from task_instances
    where
        map_index >= 0
        and coalesce(state, '') not in ('skipped', 'removed')
    group by cluster, dag_id, run_id, task_id
    having
        bool_and(coalesce(state, '') = 'success')
        and count(duration_seconds) > 0
),

-- The task is null: the whole run is measured.
whole_runs as (
    select
        cluster,
        dag_id,
        run_id,
        cast(null as varchar) as task_id,
        run_kind,
        started_at as run_started_at,
        duration_seconds,
        cast(null as double) as spread_seconds,
        cast(null as bigint) as try_count,
        was_rerun,
        false as was_marked_success,
        false as was_lost
    from dag_runs
    where
        state = 'success'
        and duration_seconds is not null
),

successes as (
    select * from single_tasks
    union all
    select * from mapped_tasks
    union all
    select * from whole_runs
)

select
    cluster,
    dag_id,
    run_id,
    task_id,

    run_kind,
    -- One kind each, the first that holds, so that the counts of what was left out add up.
    case
        when run_kind = 'backfill' then 'backfill'
        when was_rerun then 'rerun'
        when was_marked_success then 'marked'
        when was_lost then 'lost'
    end as left_out_kind,

    run_started_at,

    duration_seconds,
    spread_seconds,
    try_count
from successes
