-- Whose runs waited for one limit, and for how long?
select
    dag_id,
    sum(wait_seconds) as wait_seconds,
    sum(instance_count) as instance_count,
    sum(run_count) as run_count
from marts.agg_daily_limit_waits
where
    cluster = $cluster
    and limit_kind = $limit_kind
    and limit_name = $limit_name
    and wait_date >= $since_date
    and wait_date <= $until_date
group by dag_id
order by wait_seconds desc, dag_id
limit $row_limit
