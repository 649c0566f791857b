-- Which are the latest instances of this task?
select
    run_id,
    map_index,
    state,
    run_kind,
    pool,
    host_name,
    version_key,
    queued_at,
    started_at,
    ended_at,
    run_started_at,
    duration_seconds,
    try_count,
    is_on_critical_path,
    was_rerun,
    was_marked_success,
    was_lost,
    deleted_at
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
    and ($map_index is null or map_index = $map_index)
order by coalesce(run_started_at, started_at) desc nulls last, run_id, map_index
limit $row_limit
