-- The newest instance of every task, kept from build to build: the only trace of tasks whose
-- structure nobody saw. Newest by when its run was due, which no clear and no end can move, so that
-- a build that looks at touched runs alone keeps what a build of everything would find.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['cluster', 'dag_id', 'task_id'],
    on_schema_change='fail',
) }}

with touched_runs as (
    select * from {{ ref('int_changes__runs') }}
),

runs as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id,
        coalesce(dag_runs.due_at, dag_runs.logical_at) as due_at
    from {{ ref('stg_airflow_db__dag_runs') }} as dag_runs
    inner join touched_runs
        on
            dag_runs.cluster = touched_runs.cluster
            and dag_runs.dag_id = touched_runs.dag_id
            and dag_runs.run_id = touched_runs.run_id
),

touched_tasks as (
    select
        instances.cluster,
        instances.dag_id,
        instances.task_id,
        instances.run_id,
        instances.map_index,
        coalesce(runs.due_at, '-infinity'::timestamp) as due_at,
        instances.operator,
        instances.pool,
        instances.queue,
        instances.pool_slot_count,
        instances.is_sensor
    from {{ ref('int_attempts__instances') }} as instances
    -- 1.10 has instances without a run
    left join runs
        on
            instances.cluster = runs.cluster
            and instances.dag_id = runs.dag_id
            and instances.run_id = runs.run_id
    qualify row_number() over (
        partition by instances.cluster, instances.dag_id, instances.task_id
        order by runs.due_at desc nulls last, instances.run_id desc, instances.map_index desc
    ) = 1
),

candidates as (
    select * from touched_tasks
    {% if is_incremental() %}
    union all by name

    select kept.*
    from {{ this }} as kept
    inner join touched_tasks
        on
            kept.cluster = touched_tasks.cluster
            and kept.dag_id = touched_tasks.dag_id
            and kept.task_id = touched_tasks.task_id
    anti join touched_runs
        on
            kept.cluster = touched_runs.cluster
            and kept.dag_id = touched_runs.dag_id
            and kept.run_id = touched_runs.run_id
    {% endif %}
)

select *
from candidates
qualify row_number() over (
    partition by cluster, dag_id, task_id
    order by due_at desc, run_id desc, map_index desc
) = 1
