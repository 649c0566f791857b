-- What would block a typical run of a DAG, and how often did each task block a real one?
select
    task_id,
    path_basis,
    model_path_number,
    median_seconds,
    float_seconds,
    drag_seconds,
    model_path_seconds,
    criticality_ratio,
    criticality_sample_count
from marts.fct_model_path_tasks
where
    cluster = $cluster
    and dag_id = $dag_id
order by model_path_number nulls last, task_id
limit 20000
