-- Which task instances has it? Those of the path first, then the longest.
select
    task_id,
    map_index,
    state,
    operator,
    pool,
    queue,
    host_name,
    external_job_id,
    version_key,
    scheduled_at,
    queued_at,
    started_at,
    ended_at,
    try_count,
    pool_slot_count,
    duration_seconds,
    has_run,
    is_sensor,
    is_on_critical_path,
    was_marked_success,
    was_lost,
    has_missing_tries
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
order by is_on_critical_path desc nulls last, duration_seconds desc nulls last, task_id, map_index
limit $row_limit
