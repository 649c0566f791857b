-- How much was ever set aside?
select
    count(*) as batch_count,
    coalesce(sum(row_count), 0) as row_count
from marts.fct_quarantined_batches
