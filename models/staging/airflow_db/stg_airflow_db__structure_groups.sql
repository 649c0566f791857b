-- Task groups as the serialized DAGs nest them.
with task_groups as (
    select * from {{ source('airflow_db', 'airflow_db__dag_structure_group') }}
)

select
    cluster,
    dag_id,
    coalesce(nullif(dag_version_id, ''), dag_hash) as version_key,
    task_group_id,

    nullif(parent_task_group_id, '') as parent_task_group_id,

    _load_number as newest_load_number
from task_groups
