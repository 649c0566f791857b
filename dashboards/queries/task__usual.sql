-- How long does this task usually take?
select
    basis_kind,
    sample_count,
    min_seconds,
    mean_seconds,
    median_seconds,
    p95_seconds,
    max_seconds,
    mad_seconds,
    spread_median_seconds,
    try_mean_count
from marts.agg_task_durations
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
limit 1
