-- Which other runs waited for this one, or were started by it?
select
    cluster,
    dag_id,
    run_id,
    link_kind,
    task_id,
    map_index,
    path_step_number,
    upstream_task_id,
    external_ended_at,
    detection_lag_seconds
from marts.fct_run_links
where
    upstream_cluster = $cluster
    and upstream_dag_id = $dag_id
    and upstream_run_id = $run_id
order by external_ended_at nulls last, cluster, dag_id, run_id, link_number
limit $row_limit
