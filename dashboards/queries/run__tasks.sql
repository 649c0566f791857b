-- By which rule does each of its tasks wait?
select
    task_id,
    trigger_rule,
    depth_index,
    mapped_task_group_id,
    depends_on_past,
    wait_for_downstream
from marts.dim_tasks
where
    cluster = $cluster
    and dag_id = $dag_id
order by task_id
limit 20000
