-- Edges of the structures of touched DAGs, in numbers.
{{ config(materialized='table') }}

with edges as (
    select * from {{ ref('stg_airflow_db__structure_edges') }}
),

tasks as (
    select * from {{ ref('int_structures__tasks') }}
),

task_numbers as (
    select * from {{ ref('int_critical_path__task_numbers') }}
)

select
    downstream_tasks.structure_number,
    upstream_numbers.task_number as upstream_task_number,
    downstream_numbers.task_number as downstream_task_number,

    coalesce(
        upstream_tasks.mapped_task_group_id = downstream_tasks.mapped_task_group_id, false
    ) as is_same_index
from edges
inner join {{ ref('int_structures__versions') }} as structures
    on
        edges.cluster = structures.cluster
        and edges.dag_id = structures.dag_id
        and edges.version_key = structures.version_key
inner join tasks as downstream_tasks
    on
        structures.structure_number = downstream_tasks.structure_number
        and edges.downstream_task_id = downstream_tasks.task_id
inner join tasks as upstream_tasks
    on
        structures.structure_number = upstream_tasks.structure_number
        and edges.upstream_task_id = upstream_tasks.task_id
inner join task_numbers as downstream_numbers
    on
        edges.cluster = downstream_numbers.cluster
        and edges.dag_id = downstream_numbers.dag_id
        and edges.downstream_task_id = downstream_numbers.task_id
inner join task_numbers as upstream_numbers
    on
        edges.cluster = upstream_numbers.cluster
        and edges.dag_id = upstream_numbers.dag_id
        and edges.upstream_task_id = upstream_numbers.task_id
