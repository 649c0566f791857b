-- Edges inside one DAG, one row per structure and pair of tasks.
with tasks as (
    select * from {{ source('airflow_db', 'airflow_db__dag_structure_task') }}
)

select
    cluster,
    dag_id,
    coalesce(nullif(dag_version_id, ''), dag_hash) as version_key,
    unnest(upstream_task_ids) as upstream_task_id,
    task_id as downstream_task_id,

    _load_number as newest_load_number
from tasks
