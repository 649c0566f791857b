-- Pools as they were before somebody changed them, as Windsock saw it.
with pools as (
    select * from {{ source('airflow_db', 'airflow_db__slot_pool__replaced') }}
)

select
    cluster,
    pool,

    slots as slot_count,
    coalesce(include_deferred, false) as includes_deferred,

    _observed_at as seen_at,
    _load_number as newest_load_number
from pools
