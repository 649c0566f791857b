-- How long do its tasks usually take?
select
    task_id,
    basis_kind,
    sample_count,
    min_seconds,
    mean_seconds,
    median_seconds,
    p95_seconds,
    max_seconds
from marts.agg_task_durations
where
    cluster = $cluster
    and dag_id = $dag_id
order by task_id
limit 5000
