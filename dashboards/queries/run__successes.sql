-- Which earlier runs of the DAG succeeded? The newest first.
select
    run_id,
    run_kind,
    started_at,
    ended_at,
    duration_seconds,
    version_key,
    was_rerun
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
    and state = $state
    and started_at < $before
    and run_id <> $run_id
order by started_at desc, run_id
limit $row_limit
