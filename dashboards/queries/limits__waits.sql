-- Which limits cost most waiting on observed paths since a day?
select
    cluster,
    limit_kind,
    limit_name,
    sum(wait_seconds) as wait_seconds,
    sum(instance_count) as instance_count,
    sum(run_count) as run_count,
    count(distinct dag_id) as dag_count
from marts.agg_daily_limit_waits
where
    wait_date >= $since_date
    and wait_date <= $until_date
    and ($cluster is null or cluster = $cluster)
group by cluster, limit_kind, limit_name
order by wait_seconds desc, cluster, limit_kind, limit_name
limit $row_limit
