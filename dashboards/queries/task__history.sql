-- How long did this task take in each run, over its indices? A row for each state of a run.
select
    run_id,
    state,
    max(version_key) as version_key,
    max(run_kind) as run_kind,
    max(run_started_at) as run_started_at,
    min(started_at) as started_at,
    count(*) as instance_count,
    min(duration_seconds) as shortest_seconds,
    max(duration_seconds) as longest_seconds,
    max(try_count) as try_count
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and task_id = $task_id
    and ($map_index is null or map_index = $map_index)
group by run_id, state
order by coalesce(max(run_started_at), min(started_at)) desc nulls last, run_id, state
limit $row_limit
