-- For how long was each limit full since a day?
select
    cluster,
    limit_kind,
    limit_name,
    need_count,
    sum(full_seconds) as full_seconds,
    count(distinct limit_run_id) as counted_count,
    max(limit_run_id) as limit_run_id
from marts.fct_limit_full_periods
where
    full_date >= $since_date
    and full_date <= $until_date
    and ($cluster is null or cluster = $cluster)
group by cluster, limit_kind, limit_name, need_count
order by full_seconds desc, cluster, limit_kind, limit_name, need_count
limit $row_limit
