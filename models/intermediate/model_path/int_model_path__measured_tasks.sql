-- The nodes of each changed DAG's latest structure, with what each task usually takes. Tasks that
-- left the DAG are not in it, and tasks that were never measured have no median.
{{ config(materialized='view') }}

with changed_dags as (
    select
        cluster,
        dag_id
    from {{ ref('int_changes__dags') }}
),

latest_structures as (
    select
        structures.cluster,
        structures.dag_id,
        structures.version_key
    from {{ ref('int_structures__latest') }} as structures
    semi join changed_dags
        on
            structures.cluster = changed_dags.cluster
            and structures.dag_id = changed_dags.dag_id
),

structure_tasks as (
    select
        cluster,
        dag_id,
        version_key,
        task_id
    from {{ ref('stg_airflow_db__structure_tasks') }}
),

task_durations as (
    select
        cluster,
        dag_id,
        task_id,
        median_seconds
    from {{ ref('agg_task_durations') }}
)

select
    structure_tasks.cluster,
    structure_tasks.dag_id,
    structure_tasks.version_key,
    structure_tasks.task_id,

    task_durations.median_seconds
from structure_tasks
inner join latest_structures
    on
        structure_tasks.cluster = latest_structures.cluster
        and structure_tasks.dag_id = latest_structures.dag_id
        and structure_tasks.version_key = latest_structures.version_key
-- A new task has not succeeded yet.
left join task_durations
    on
        structure_tasks.cluster = task_durations.cluster
        and structure_tasks.dag_id = task_durations.dag_id
        and structure_tasks.task_id = task_durations.task_id
