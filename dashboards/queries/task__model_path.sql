-- Would this task block a typical run, and how often did it block real ones?
select
    path_basis,
    model_path_number,
    float_seconds,
    drag_seconds,
    model_path_seconds,
    criticality_ratio,
    criticality_sample_count,
    is_on_model_path
from marts.fct_model_path_tasks
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
limit 1
