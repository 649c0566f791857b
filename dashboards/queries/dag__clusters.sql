-- Which clusters have a DAG of this name?
select
    cluster,
    dag_id,
    owner,
    last_run_state,
    last_run_started_at
from marts.dim_dags
where dag_id = $dag_id
order by last_run_started_at desc nulls last, cluster
limit 50
