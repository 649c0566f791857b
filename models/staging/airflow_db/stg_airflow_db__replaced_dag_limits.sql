-- How many tasks of a DAG might be active before somebody changed it, as Windsock saw it.
with dags as (
    select * from {{ source('airflow_db', 'airflow_db__dag__replaced') }}
)

select
    cluster,
    dag_id,

    coalesce(max_active_tasks, concurrency) as max_active_task_count,

    _observed_at as seen_at,
    _load_number as newest_load_number
from dags
