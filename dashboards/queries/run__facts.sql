-- What is known of one run?
select
    cluster,
    dag_id,
    run_id,
    run_kind,
    triggered_by,
    state,
    version_key,
    structure_basis,
    conf,
    logical_at,
    due_at,
    queued_at,
    started_at,
    ended_at,
    path_ended_at,
    deleted_at,
    delete_reason,
    duration_seconds,
    created_late_seconds,
    run_queued_seconds,
    running_seconds,
    was_rerun,
    has_missing_tries,
    has_clock_skew,
    has_lost_tasks
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
limit 1
