-- Pools as they are now. Airflow keeps only today's sizes.
with pools as (
    select * from {{ source('airflow_db', 'airflow_db__slot_pool') }}
)

select
    cluster,
    pool,

    slots as slot_count,
    coalesce(include_deferred, false) as includes_deferred,

    _observed_at as seen_at,
    _deleted_at as deleted_at,
    _load_number as newest_load_number
from pools
