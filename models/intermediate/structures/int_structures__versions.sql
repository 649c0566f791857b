-- Structures of every DAG with the instant from which each was in force: when Airflow made the version
-- (3.x), else when Windsock first saw it.
{{ config(materialized='table') }}

with structures as (
    select * from {{ ref('stg_airflow_db__structures') }}
),

serialized_dags as (
    select
        cluster,
        dag_id,
        version_key,
        created_at
    from {{ ref('stg_airflow_db__serialized_dags') }}
)

select
    structures.cluster,
    structures.dag_id,
    structures.version_key,
    row_number() over (
        order by structures.cluster, structures.dag_id, structures.version_key
    ) as structure_number,

    structures.graph_hash,
    structures.structure_hash,

    coalesce(serialized_dags.created_at, structures.seen_at) as first_seen_at,

    structures.max_active_task_count,
    structures.newest_load_number,

    structures.has_catchup,
    structures.is_version,
    row_number() over (
        partition by structures.cluster, structures.dag_id
        order by
            structures.is_version desc,
            coalesce(serialized_dags.created_at, structures.seen_at) desc,
            structures.newest_load_number desc,
            structures.version_key desc
    ) = 1 as is_latest
from structures
-- Airflow 2 deletes the serialized DAG of a file that is gone; its structure stays here
left join serialized_dags
    on
        structures.cluster = serialized_dags.cluster
        and structures.dag_id = serialized_dags.dag_id
        and structures.version_key = serialized_dags.version_key
