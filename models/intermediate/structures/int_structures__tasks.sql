-- What the path needs of the tasks of touched DAGs, in every structure they had.
{{ config(materialized='table') }}

with tasks as (
    select * from {{ ref('stg_airflow_db__structure_tasks') }}
)

select
    structures.structure_number,
    tasks.cluster,
    tasks.dag_id,
    tasks.task_id,

    tasks.trigger_rule,
    tasks.operator_class,
    tasks.mapped_task_group_id,

    coalesce(tasks.depth_index, 0) as depth_index,
    tasks.retries as retry_count,
    tasks.max_active_tis_per_dag as max_active_per_dag_count,
    tasks.max_active_tis_per_dagrun as max_active_per_run_count,

    tasks.depth_index is null as is_in_cycle,
    tasks.is_sensor,
    tasks.is_empty,
    tasks.depends_on_past,
    tasks.wait_for_downstream
from tasks
inner join {{ ref('int_structures__versions') }} as structures
    on
        tasks.cluster = structures.cluster
        and tasks.dag_id = structures.dag_id
        and tasks.version_key = structures.version_key
inner join {{ ref('int_changes__dags') }} as touched_dags
    on tasks.cluster = touched_dags.cluster and tasks.dag_id = touched_dags.dag_id
