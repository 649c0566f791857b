-- Where do full limits cost time? Minutes lost by limit, DAG and day; they outlive the runs that waited.
with waits as (
    select * from {{ ref('int_rollups__limit_waits') }}
)

select
    cluster,
    limit_kind,
    limit_name,
    dag_id,
    wait_date,

    cast(sum(wait_us) / 1000000.0 as double) as wait_seconds,
    cast(sum(instance_count) as bigint) as instance_count,
    cast(count(distinct run_id) + sum(archived_run_count) as bigint) as run_count
from waits
group by cluster, limit_kind, limit_name, dag_id, wait_date
