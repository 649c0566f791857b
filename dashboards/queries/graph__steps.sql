-- Which steps blocked a run, in order, and how long did each wait and run?
select
    step_number,
    task_id,
    map_index,
    limited_by,
    handoff_seconds,
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
limit 5000
