-- How did each task end in these runs? A mapped task has a row for each state of its indices.
select
    run_id,
    task_id,
    state,
    count(*) as instance_count,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    max(duration_seconds) as longest_seconds,
    max(try_count) as try_count,
    max(map_index) as highest_map_index,
    min(map_index) as lowest_map_index,
    bool_or(is_on_critical_path) as is_on_critical_path
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and list_contains($run_ids, run_id)
group by run_id, task_id, state
limit $row_limit
