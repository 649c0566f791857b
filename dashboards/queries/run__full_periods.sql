-- When were limits of these names full?
select
    limit_kind,
    limit_name,
    limit_run_id,
    need_count,
    began_at,
    ended_at,
    size_count
from marts.fct_limit_full_periods
where
    cluster = $cluster
    and full_date >= cast($since as date)
    and full_date <= cast($until as date)
    and began_at < $until
    and ended_at > $since
    and limit_run_id in ($no_run, $run_id)
    and ($limit_name is null or limit_name = $limit_name)
order by began_at, limit_kind, limit_name, need_count
limit $row_limit
