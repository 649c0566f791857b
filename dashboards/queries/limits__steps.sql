-- Which steps of observed paths waited longest for one limit?
select
    dag_id,
    run_id,
    task_id,
    map_index,
    path_kind,
    ready_at,
    queued_at,
    started_at,
    limit_wait_seconds
from marts.fct_critical_path_steps
where
    cluster = $cluster
    and limited_by = $limited_by
    and limit_wait_seconds > 0
    and ready_at >= $since
order by limit_wait_seconds desc, ready_at, dag_id, run_id, task_id, map_index, path_kind desc
limit $row_limit
