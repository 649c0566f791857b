-- Which task instances of one run failed, the first one first?
select
    task_id,
    map_index,
    state,
    ended_at,
    try_count
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
    and state = $state
order by ended_at nulls last, task_id, map_index
limit $row_limit
