-- Which tasks does a DAG have or had it, and in which groups?
select
    task_id,
    operator,
    task_group_id,
    version_key,
    task_basis,
    is_mapped,
    is_sensor,
    is_in_latest_structure
from marts.dim_tasks
where
    cluster = $cluster
    and dag_id = $dag_id
order by task_id
limit 20000
