-- How long does each task of this DAG usually take?
select
    task_id,
    sample_count,
    min_seconds,
    mean_seconds,
    median_seconds,
    p95_seconds,
    max_seconds,
    mad_seconds,
    try_mean_count
from marts.agg_task_durations
where
    cluster = $cluster
    and dag_id = $dag_id
order by task_id
limit $row_limit
