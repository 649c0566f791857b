-- Which batches were set aside at the door, and why?
select
    cluster,
    table_name,
    reason,
    row_count,
    observed_at,
    load_number
from marts.fct_quarantined_batches
order by observed_at desc nulls last, load_number desc, table_name
limit $row_limit
