-- Who did what to this DAG, newest first?
select
    event_id,
    event_name,
    event_kind,
    actor_name,
    run_id,
    task_id,
    map_index,
    new_state,
    is_paused,
    is_dry_run,
    happened_at
from marts.fct_audit_events
where
    cluster = $cluster
    and dag_id = $dag_id
order by happened_at desc, event_id desc
limit $row_limit
