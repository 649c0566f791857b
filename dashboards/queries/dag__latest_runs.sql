-- Which are the latest runs of this DAG, and where did their time go?
select
    run_id,
    run_kind,
    state,
    triggered_by,
    version_key,
    logical_at,
    queued_at,
    started_at,
    ended_at,
    path_ended_at,
    deleted_at,
    duration_seconds,
    landing_seconds,
    created_late_seconds,
    run_queued_seconds,
    lead_seconds,
    running_seconds,
    retry_wait_seconds,
    deferred_seconds,
    external_wait_seconds,
    handoff_seconds,
    tail_seconds,
    was_rerun
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
    and ($state is null or state = $state)
    and ($kind is null or run_kind = $kind)
order by coalesce(started_at, queued_at, logical_at) desc nulls last, run_id desc
limit $row_limit
