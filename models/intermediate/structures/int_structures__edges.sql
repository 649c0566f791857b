-- Edges of the structures that landed since the last whole build, with how mapped tasks meet.
with edges as (
    select * from {{ ref('stg_airflow_db__structure_edges') }}
),

touched_dags as (
    select * from {{ ref('int_changes__structure_dags') }}
),

tasks as (
    select
        cluster,
        dag_id,
        version_key,
        task_id,
        mapped_task_group_id
    from {{ ref('stg_airflow_db__structure_tasks') }}
)

select
    edges.cluster,
    edges.dag_id,
    edges.version_key,
    edges.upstream_task_id,
    edges.downstream_task_id,

    coalesce(
        upstream_tasks.mapped_task_group_id = downstream_tasks.mapped_task_group_id, false
    ) as is_same_index
from edges
semi join touched_dags
    on edges.cluster = touched_dags.cluster and edges.dag_id = touched_dags.dag_id
inner join tasks as upstream_tasks
    on
        edges.cluster = upstream_tasks.cluster
        and edges.dag_id = upstream_tasks.dag_id
        and edges.version_key = upstream_tasks.version_key
        and edges.upstream_task_id = upstream_tasks.task_id
inner join tasks as downstream_tasks
    on
        edges.cluster = downstream_tasks.cluster
        and edges.dag_id = downstream_tasks.dag_id
        and edges.version_key = downstream_tasks.version_key
        and edges.downstream_task_id = downstream_tasks.task_id
