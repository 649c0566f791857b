-- Which runs of the DAG are the newest, for who looks for one that is not there?
select
    run_id,
    state,
    started_at,
    queued_at
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
order by coalesce(started_at, queued_at, logical_at) desc nulls last, run_id
limit $row_limit
