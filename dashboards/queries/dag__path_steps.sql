-- What made one run end when it did, step by step?
select
    step_number,
    task_id,
    map_index,
    pool,
    limited_by,
    handoff_seconds,
    limit_wait_seconds,
    external_wait_seconds,
    running_seconds,
    retry_wait_seconds,
    deferred_seconds
from marts.fct_critical_path_steps
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
    and path_kind = $path_kind
order by step_number
limit $row_limit
