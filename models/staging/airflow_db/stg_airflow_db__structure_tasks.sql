-- Tasks as the serialized DAGs describe them, one row per structure and task.
with tasks as (
    select * from {{ source('airflow_db', 'airflow_db__dag_structure_task') }}
)

select
    cluster,
    dag_id,
    coalesce(nullif(dag_version_id, ''), dag_hash) as version_key,
    task_id,

    * exclude (
        cluster, dag_id, dag_version_id, dag_hash, task_id, custom_operator_name, operator,
        _row_flags, _deleted_at, _delete_reason, _observed_at, _loaded_at, _load_id,
        _load_number, _source_uri
    ),
    operator as operator_class,
    coalesce(custom_operator_name, operator) as operator,

    _observed_at as seen_at,

    _load_number as newest_load_number
from tasks
