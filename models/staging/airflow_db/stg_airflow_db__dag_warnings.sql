-- Warnings of the DAG processor (2.4 and later) that stand.
with dag_warnings as (
    select * from {{ source('airflow_db', 'airflow_db__dag_warning') }}
)

select
    cluster,
    dag_id,
    warning_type as warning_kind,

    message,

    timestamp as recorded_at
from dag_warnings
where _deleted_at is null
