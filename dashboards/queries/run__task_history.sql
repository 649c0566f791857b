-- How long did this task take in the latest runs up to this one?
select
    run_id,
    map_index,
    run_started_at,
    duration_seconds
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
    and state = $state
    and run_kind is distinct from $left_out_kind
    and was_rerun is not true
    and run_id <> $run_id
    and run_started_at < $before
    and ($map_index < 0 or map_index = $map_index)
    and duration_seconds is not null
order by run_started_at desc, run_id, map_index
limit $row_limit
