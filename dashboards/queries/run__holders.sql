-- Whose tries were queued or running in a stretch of time, where a limit counted them?
select
    dag_id,
    run_id,
    task_id,
    map_index,
    try_number,
    pool,
    queued_at,
    started_at,
    ended_at,
    pauses,
    pool_slot_count
from marts.fct_task_attempts
where
    cluster = $cluster
    and ($pool is null or pool = $pool)
    and ($of_dag is null or dag_id = $of_dag)
    and ($of_run is null or run_id = $of_run)
    and ($of_task is null or task_id = $of_task)
    and least(queued_at, started_at) < $until
    and (ended_at is null or ended_at > $since)
order by started_at, dag_id, run_id, task_id, map_index, try_number
limit $row_limit
