-- Which steps has its path, and what is each second of them?
select
    path_kind,
    step_number,
    task_id,
    map_index,
    limited_by,
    waits_basis,
    structure_basis,
    gated_by_run_id,
    ready_at,
    started_at,
    ended_at,
    handoff_seconds,
    past_run_wait_seconds,
    limit_wait_seconds,
    scheduler_wait_seconds,
    startup_wait_seconds,
    external_wait_seconds,
    running_seconds,
    retry_wait_seconds,
    deferred_seconds,
    has_missing_tries,
    has_clock_skew,
    has_unknown_deferral,
    was_lost
from marts.fct_critical_path_steps
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
order by path_kind, step_number
limit $row_limit
