-- Where the task instances of 1.10, 2.x and 3.x meet. Run and map index are in every landed row.
with task_instances as (
    select * from {{ source('airflow_db', 'airflow_db__task_instance') }}
)

select
    cluster,
    dag_id,
    run_id,
    task_id,
    map_index,

    {{ instance_image() }},
    external_executor_id as external_job_id,

    _row_flags as row_flags,
    _deleted_at as deleted_at,
    _delete_reason as delete_reason,
    _load_number as newest_load_number
from task_instances
