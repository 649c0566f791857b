-- How did the newest run of a DAG go?
select
    run_id,
    state,
    started_at,
    ended_at,
    duration_seconds
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
order by coalesce(started_at, queued_at, logical_at) desc nulls last, run_id desc
limit 1
