-- Which tries of this task were there? Newest first.
select
    run_id,
    map_index,
    try_number,
    state,
    outcome,
    host_name,
    queued_at,
    started_at,
    ended_at,
    duration_seconds,
    was_lost
from marts.fct_task_attempts
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
    and ($map_index is null or map_index = $map_index)
order by started_at desc nulls last, run_id, map_index, try_number desc
limit $row_limit
