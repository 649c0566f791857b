-- What was the longest success of each task in the DAG's runs before this one?
select
    task_id,
    max(duration_seconds) as max_seconds,
    count(*) as success_count
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and state = $state
    and run_started_at < $before
    and run_id <> $run_id
    and was_rerun is not true
    and list_contains($tasks, task_id)
group by task_id
