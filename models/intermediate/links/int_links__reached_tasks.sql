-- Which tasks come after a task that waits for another DAG or starts one: a structure that landed once
-- does not change, so this is found once per structure.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__structure_dags', ['cluster', 'dag_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__structure_dags') }}

with recursive edges as (
    select * from {{ ref('int_structures__edges') }}
),

waiting_tasks as (
    select
        cluster,
        dag_id,
        version_key,
        task_id
    from {{ ref('int_links__specs') }}
    union
    select
        tasks.cluster,
        tasks.dag_id,
        tasks.version_key,
        tasks.task_id
    from {{ ref('stg_airflow_db__structure_tasks') }} as tasks
    semi join {{ ref('cross_cluster_links') }} as links
        on
            tasks.cluster = links.cluster
            and tasks.dag_id = links.dag_id
            and tasks.task_id = links.task_id
),

-- `union`, not `union all`: a task is reached once, by whatever way, and a circle ends.
reached as (
    select
        waiting_tasks.cluster,
        waiting_tasks.dag_id,
        waiting_tasks.version_key,
        waiting_tasks.task_id,
        edges.downstream_task_id as reached_task_id
    from waiting_tasks
    inner join edges
        on
            waiting_tasks.cluster = edges.cluster
            and waiting_tasks.dag_id = edges.dag_id
            and waiting_tasks.version_key = edges.version_key
            and waiting_tasks.task_id = edges.upstream_task_id
    union
    select
        reached.cluster,
        reached.dag_id,
        reached.version_key,
        reached.task_id,
        edges.downstream_task_id as reached_task_id
    from reached
    inner join edges
        on
            reached.cluster = edges.cluster
            and reached.dag_id = edges.dag_id
            and reached.version_key = edges.version_key
            and reached.reached_task_id = edges.upstream_task_id
)

select * from reached
