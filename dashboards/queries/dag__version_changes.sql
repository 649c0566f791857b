-- What does each version have otherwise than the one before it?
select
    version_key,
    change_number,
    previous_version_key,
    changed_at,
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
order by changed_at desc nulls last, version_key, change_number
limit $row_limit
