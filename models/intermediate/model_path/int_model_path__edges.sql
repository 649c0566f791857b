-- The edges of each changed DAG's latest structure.
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

structure_edges as (
    select
        cluster,
        dag_id,
        version_key,
        upstream_task_id,
        downstream_task_id
    from {{ ref('stg_airflow_db__structure_edges') }}
)

select
    structure_edges.cluster,
    structure_edges.dag_id,
    structure_edges.upstream_task_id,
    structure_edges.downstream_task_id
from structure_edges
inner join latest_structures
    on
        structure_edges.cluster = latest_structures.cluster
        and structure_edges.dag_id = latest_structures.dag_id
        and structure_edges.version_key = latest_structures.version_key
