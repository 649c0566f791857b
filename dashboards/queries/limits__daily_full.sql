-- For how long was one limit full on each day, and at which size?
select
    full_date,
    need_count,
    sum(full_seconds) as full_seconds,
    min(size_count) as lowest_size_count,
    max(size_count) as highest_size_count
from marts.fct_limit_full_periods
where
    cluster = $cluster
    and limit_kind = $limit_kind
    and limit_name = $limit_name
    and full_date >= $since_date
    and full_date <= $until_date
group by full_date, need_count
order by full_date, need_count
