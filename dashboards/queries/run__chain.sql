-- Which chain of runs led to its end, across DAGs and clusters?
select
    chain_number,
    upstream_cluster,
    upstream_dag_id,
    upstream_run_id,
    upstream_task_id,
    upstream_map_index,
    link_kind,
    link_basis,
    waiting_task_id,
    asset_name,
    began_at,
    ended_at,
    own_seconds,
    waited_seconds,
    detection_lag_seconds,
    is_cut
from marts.fct_run_chain_steps
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
order by chain_number
limit $row_limit
