-- What are the instances of a run, by task and state?
select
    task_id,
    state,
    count(*) as instance_count,
    min(map_index) as map_index,
    min(queued_at) as queued_at,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    max(duration_seconds) as longest_seconds,
    max(try_count) as try_count
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
group by task_id, state
order by task_id, state
limit 50000
