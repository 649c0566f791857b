-- Minutes lost by limit, DAG and week; they outlive the runs that waited.
with waits as (
    select * from {{ ref('int_rollups__limit_waits') }}
)

select
    cluster,
    dag_id,
    limit_name,
    cast(date_trunc('week', wait_date) as date) as week_date,

    cast(sum(wait_us) / 1000000.0 as double) as wait_seconds,
    cast(sum(instance_count) as bigint) as instance_count
from waits
group by cluster, dag_id, limit_name, week_date
