-- Landings that failed, so that a page can say since when a cluster is missing and why.
with failed_loads as (
    select * from {{ ref('stg_airflow_db__failed_loads') }}
)

select
    cluster,
    failed_at,

    error_class,
    message
from failed_loads
