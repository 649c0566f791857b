-- Minutes lost to full limits on days whose runs expired.
with waits as (
    select * from {{ source('rollups', 'rollups__daily_limit_waits') }}
)

select
    cluster,
    limit_kind,
    limit_name,
    dag_id,
    cast(wait_date as date) as wait_date,

    wait_seconds,
    instance_count,
    run_count
from waits
