-- Which task instances did one run have, in the order in which they started?
select
    task_id,
    map_index,
    state,
    operator,
    pool,
    queued_at,
    started_at,
    ended_at,
    duration_seconds
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
order by started_at nulls last, task_id, map_index
limit $row_limit
