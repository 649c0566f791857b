-- Whole numbers for the tasks of touched DAGs, in the order of their ids, to join and break ties on.
{{ config(materialized='table') }}

with tasks as (
    select
        cluster,
        dag_id,
        task_id
    from {{ ref('int_attempts__instances') }}
    union
    select
        cluster,
        dag_id,
        task_id
    from {{ ref('int_structures__tasks') }}
)

select
    cluster,
    dag_id,
    task_id,
    row_number() over (order by cluster, dag_id, task_id) as task_number
from tasks
