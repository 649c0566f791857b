-- Which landings failed last, and with what message?
select
    cluster,
    failed_at,
    error_class,
    message
from marts.fct_failed_loads
order by failed_at desc, cluster
limit $row_limit
