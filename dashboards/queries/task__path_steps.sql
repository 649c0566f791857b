-- Where did the time go when this task was on the path of its run? Newest first.
select
    run_id,
    map_index,
    pool,
    limited_by,
    ready_at,
    started_at,
    handoff_seconds,
    past_run_wait_seconds,
    limit_wait_seconds,
    scheduler_wait_seconds,
    startup_wait_seconds,
    external_wait_seconds,
    running_seconds,
    retry_wait_seconds,
    deferred_seconds,
    waits_basis
from marts.fct_critical_path_steps
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
    and path_kind = $path_kind
    and ($map_index is null or map_index = $map_index)
order by ready_at desc nulls last, run_id, map_index
limit $row_limit
