-- What did one limit cost on each day?
select
    wait_date,
    sum(wait_seconds) as wait_seconds
from marts.agg_daily_limit_waits
where
    cluster = $cluster
    and limit_kind = $limit_kind
    and limit_name = $limit_name
    and wait_date >= $since_date
    and wait_date <= $until_date
group by wait_date
order by wait_date
