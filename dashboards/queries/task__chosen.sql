-- What is known of one task?
select
    task_id,
    operator,
    operator_module,
    owner,
    pool,
    queue,
    trigger_rule,
    executor,
    task_group_id,
    sensor_mode,
    external_dag_id,
    trigger_dag_id,
    task_basis,
    retries,
    retry_delay_seconds,
    execution_timeout_seconds,
    pool_slot_count,
    priority_weight,
    max_active_per_dag_count,
    is_mapped,
    is_sensor,
    is_in_latest_structure
from marts.dim_tasks
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
limit 1
