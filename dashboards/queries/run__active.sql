-- How many runs of the DAG go on, and since when does the first?
select
    count(*) as run_count,
    min(started_at) as oldest_at,
    arg_min(run_id, started_at) as oldest_run_id
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
    and state = $state
    and deleted_at is null
