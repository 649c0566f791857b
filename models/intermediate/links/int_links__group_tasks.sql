-- Tasks of the groups that sensors wait for, those of nested groups as well.
{{ config(materialized='table') }}

with recursive task_groups as (
    select * from {{ ref('stg_airflow_db__structure_groups') }}
),

awaited_groups as (
    select distinct
        sensors.upstream_cluster,
        sensors.upstream_dag_id,
        sensors.upstream_task_group_id
    from {{ ref('int_links__sensors') }} as sensors
    semi join {{ ref('int_changes__link_runs') }} as link_runs
        on
            sensors.cluster = link_runs.cluster
            and sensors.dag_id = link_runs.dag_id
            and sensors.run_id = link_runs.run_id
    where sensors.upstream_task_group_id is not null
),

nested as (
    select
        task_groups.cluster,
        task_groups.dag_id,
        task_groups.version_key,
        task_groups.task_group_id,
        task_groups.task_group_id as inner_group_id
    from task_groups
    inner join awaited_groups
        on
            task_groups.cluster = awaited_groups.upstream_cluster
            and task_groups.dag_id = awaited_groups.upstream_dag_id
            and task_groups.task_group_id = awaited_groups.upstream_task_group_id
    union
    select
        nested.cluster,
        nested.dag_id,
        nested.version_key,
        nested.task_group_id,
        task_groups.task_group_id as inner_group_id
    from nested
    inner join task_groups
        on
            nested.cluster = task_groups.cluster
            and nested.dag_id = task_groups.dag_id
            and nested.version_key = task_groups.version_key
            and nested.inner_group_id = task_groups.parent_task_group_id
)

select
    nested.cluster,
    nested.dag_id,
    nested.version_key,
    nested.task_group_id,
    tasks.task_id
from nested
inner join {{ ref('stg_airflow_db__structure_tasks') }} as tasks
    on
        nested.cluster = tasks.cluster
        and nested.dag_id = tasks.dag_id
        and nested.version_key = tasks.version_key
        and nested.inner_group_id = tasks.task_group_id
