-- What may hold back a run of this DAG that is queued?
select
    is_paused,
    max_active_run_count
from marts.dim_dags
where
    cluster = $cluster
    and dag_id = $dag_id
limit 1
