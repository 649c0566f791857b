-- Which tries had its instances, or one of them?
select
    task_id,
    map_index,
    try_number,
    state,
    outcome,
    pool,
    host_name,
    scheduled_at,
    queued_at,
    started_at,
    ended_at,
    pauses,
    pool_slot_count,
    duration_seconds
from marts.fct_task_attempts
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
    and ($task_id is null or (task_id = $task_id and map_index = $map_index))
order by task_id, map_index, try_number
limit $row_limit
