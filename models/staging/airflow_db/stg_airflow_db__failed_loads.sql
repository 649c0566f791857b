-- Landings of a cluster that failed, with the message that the command line showed.
with failed_loads as (
    select * from {{ source('airflow_db', 'failed_loads') }}
)

select
    cluster,
    failed_at,

    error_class,
    message
from failed_loads
