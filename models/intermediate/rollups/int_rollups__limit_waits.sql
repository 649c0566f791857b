-- Waits for full limits of every day, in parts that marts add up: of days whose runs expired the archived
-- figures, of the others each wait.
with waits as (
    select * from {{ ref('int_limits__charged_waits') }}
),

archived_days as (
    select * from {{ ref('stg_rollups__daily_limit_waits') }}
),

boundaries as (
    select * from {{ ref('stg_rollups__boundaries') }}
)

select
    waits.cluster,
    waits.limit_kind,
    waits.limit_name,
    waits.dag_id,
    waits.wait_date,
    waits.run_id,
    0 as archived_run_count,
    1 as instance_count,
    waits.wait_us
from waits
-- a cluster of which nothing expired yet
left join boundaries on waits.cluster = boundaries.cluster
where waits.wait_date >= coalesce(boundaries.computed_from_date, cast('-infinity' as date))

union all

select
    cluster,
    limit_kind,
    limit_name,
    dag_id,
    wait_date,
    null as run_id,
    run_count as archived_run_count,
    instance_count,
    cast(round(wait_seconds * 1000000) as bigint) as wait_us
from archived_days
