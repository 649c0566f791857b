-- Where do full limits cost time? Minutes lost by limit, DAG and day.
with waits as (
    select * from {{ ref('int_limits__charged_waits') }}
)

select
    cluster,
    limit_kind,
    limit_name,
    dag_id,
    wait_date,

    cast(sum(wait_us) / 1000000.0 as double) as wait_seconds,
    count(*) as instance_count,
    count(distinct run_id) as run_count
from waits
group by cluster, limit_kind, limit_name, dag_id, wait_date
