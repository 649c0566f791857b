-- What would block a typical run of this DAG, and what did block real ones?
select
    task_id,
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
order by task_id
limit $row_limit
