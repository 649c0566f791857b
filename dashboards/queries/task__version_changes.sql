-- What changed in this task, and when? Newest first.
select
    version_key,
    changed_at,
    change_number,
    change_kind,
    task_id,
    other_task_id,
    field_name,
    old_value,
    new_value
from marts.fct_dag_version_changes
where
    cluster = $cluster
    and dag_id = $dag_id
    and (task_id = $task_id or other_task_id = $task_id)
order by changed_at desc nulls last, version_key, change_number
limit $row_limit
