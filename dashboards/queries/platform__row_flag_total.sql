-- How many faults were marked?
select coalesce(sum(row_count), 0) as row_count
from marts.agg_row_flags
