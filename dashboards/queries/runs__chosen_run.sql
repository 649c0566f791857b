-- What is known of one run?
select
    cluster,
    dag_id,
    run_id,
    run_kind,
    state,
    triggered_by,
    logical_at,
    queued_at,
    started_at,
    ended_at,
    duration_seconds,
    deleted_at,
    conf
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
limit 1
