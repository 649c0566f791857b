-- How much was landed since, in how many loads?
select
    count(*) as load_count,
    coalesce(sum(row_count), 0) as row_count
from marts.fct_loads
where loaded_at >= $since
