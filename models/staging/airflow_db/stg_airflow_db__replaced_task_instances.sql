-- Images of task instances that Airflow overwrote after Windsock had seen them: the earlier tries of
-- releases before 2.10, which keep no history.
with replaced as (
    select * from {{ source('airflow_db', 'airflow_db__task_instance__replaced') }}
)

select
    cluster,
    dag_id,
    run_id,
    task_id,
    map_index,

    {{ instance_image() }},

    _load_number as newest_load_number
from replaced
