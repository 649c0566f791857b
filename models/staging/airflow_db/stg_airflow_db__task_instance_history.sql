-- Tries that Airflow itself kept: 2.10 and later, written on a retry and on a clear.
with history as (
    select * from {{ source('airflow_db', 'airflow_db__task_instance_history') }}
)

select
    cluster,
    dag_id,
    run_id,
    task_id,
    map_index,

    {{ instance_image() }},

    _load_number as newest_load_number
from history
