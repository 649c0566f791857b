-- How many instances and indices of this task are there?
select
    count(*) as instance_count,
    count(distinct run_id) as run_count,
    max(map_index) as highest_map_index
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
