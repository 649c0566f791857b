-- How many tasks of a DAG may be active, as its row says now (2.0 and 1.10 call it concurrency).
with dags as (
    select * from {{ source('airflow_db', 'airflow_db__dag') }}
)

select
    cluster,
    dag_id,

    coalesce(max_active_tasks, concurrency) as max_active_task_count,

    _observed_at as seen_at,
    _load_number as newest_load_number
from dags
