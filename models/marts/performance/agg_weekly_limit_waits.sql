-- Minutes lost by limit, DAG and week.
with waits as (
    select * from {{ ref('int_limits__charged_waits') }}
)

select
    cluster,
    dag_id,
    limit_name,
    cast(date_trunc('week', wait_date) as date) as week_date,

    cast(sum(wait_us) / 1000000.0 as double) as wait_seconds,
    count(*) as instance_count
from waits
group by cluster, dag_id, limit_name, week_date
