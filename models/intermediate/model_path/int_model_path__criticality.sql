-- How often was a task on the observed path? Over the latest 30 successful runs of its DAG,
-- whatever the weekday or the hour, leaving out backfills and re-run runs.
{{ config(materialized='table') }}

with changed_dags as (
    select
        cluster,
        dag_id
    from {{ ref('int_changes__dags') }}
),

tasks as (
    select
        cluster,
        dag_id,
        task_id
    from {{ ref('int_model_path__measured_tasks') }}
),

latest_runs as (
    select
        cluster,
        dag_id,
        max(
            struct_pack(run_started_at := run_started_at, run_id := run_id),
            {{ var('basis_sample_count') }}
        ) as runs
    from {{ ref('int_durations__samples') }}
    where
        task_id is null
        and left_out_kind is null
    group by cluster, dag_id
),

basis_runs as (
    select
        cluster,
        dag_id,
        unnest(runs, recursive := true)
    from latest_runs
),

finish_steps as (
    select
        steps.cluster,
        steps.dag_id,
        steps.run_id,
        steps.task_id
    from {{ ref('fct_critical_path_steps') }} as steps
    semi join changed_dags
        on
            steps.cluster = changed_dags.cluster
            and steps.dag_id = changed_dags.dag_id
    where steps.path_kind = 'finish'
),

tasks_on_paths as (
    select
        basis_runs.cluster,
        basis_runs.dag_id,
        finish_steps.task_id,
        -- Several indices of a mapped task, or several passes, are one run.
        count(distinct basis_runs.run_id) as on_path_count
    from basis_runs
    inner join finish_steps
        on
            basis_runs.cluster = finish_steps.cluster
            and basis_runs.dag_id = finish_steps.dag_id
            and basis_runs.run_id = finish_steps.run_id
    group by basis_runs.cluster, basis_runs.dag_id, finish_steps.task_id
)

select
    tasks.cluster,
    tasks.dag_id,
    tasks.task_id,

    coalesce(len(latest_runs.runs), 0) as sample_count,
    coalesce(tasks_on_paths.on_path_count, 0) / nullif(len(latest_runs.runs), 0) as on_path_ratio
from tasks
-- No run has succeeded yet.
left join latest_runs
    on
        tasks.cluster = latest_runs.cluster
        and tasks.dag_id = latest_runs.dag_id
-- Many tasks are on no path: 0, if there were runs.
left join tasks_on_paths
    on
        tasks.cluster = tasks_on_paths.cluster
        and tasks.dag_id = tasks_on_paths.dag_id
        and tasks.task_id = tasks_on_paths.task_id
