-- When exactly was one limit full?
select
    need_count,
    began_at,
    ended_at,
    size_count
from marts.fct_limit_full_periods
where
    cluster = $cluster
    and limit_kind = $limit_kind
    and limit_name = $limit_name
    and full_date >= $since_date
    and full_date <= $until_date
order by began_at, limit_run_id, need_count
limit $row_limit
