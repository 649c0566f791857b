-- Which of its instances are in one of these states? The first started come first.
select
    task_id,
    map_index,
    state,
    try_count,
    queued_at,
    started_at,
    ended_at,
    duration_seconds
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
    and list_contains($states, state)
order by started_at nulls last, task_id, map_index
limit $row_limit
