-- Audit events that name their run, with nothing but its key: a run is to be looked at again.
with events as (
    select * from {{ source('airflow_db', 'airflow_db__log') }}
)

select
    cluster,
    dag_id,
    run_id,

    _load_number as newest_load_number
from events
where dag_id is not null and run_id is not null and task_id is not null
