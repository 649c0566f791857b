-- Which tasks does this DAG have, had, or ran?
select
    task_id,
    operator,
    owner,
    pool,
    queue,
    trigger_rule,
    task_group_id,
    retries,
    depth_index,
    pool_slot_count,
    is_mapped,
    is_sensor,
    is_in_latest_structure
from marts.dim_tasks
where
    cluster = $cluster
    and dag_id = $dag_id
order by depth_index nulls last, task_id
limit $row_limit
