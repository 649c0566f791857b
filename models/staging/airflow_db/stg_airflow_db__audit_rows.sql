-- Instants of the audit log, to know from when on it tells anything.
with events as (
    select * from {{ source('airflow_db', 'airflow_db__log') }}
)

select
    cluster,
    dttm as happened_at
from events
