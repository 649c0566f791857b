-- Which other runs did it wait for, or which made it start?
select
    link_number,
    link_kind,
    link_basis,
    task_id,
    map_index,
    wait_state,
    path_step_number,
    upstream_cluster,
    upstream_dag_id,
    upstream_run_id,
    upstream_task_group_id,
    upstream_task_id,
    upstream_map_index,
    asset_name,
    wait_began_at,
    wait_ended_at,
    external_ended_at,
    candidate_count,
    detection_lag_seconds
from marts.fct_run_links
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
order by link_number
limit $row_limit
