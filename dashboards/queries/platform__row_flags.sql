-- Which faults did arriving rows have?
select
    cluster,
    model_name,
    row_flag,
    row_count
from marts.agg_row_flags
order by row_count desc, cluster, model_name, row_flag
limit $row_limit
