-- Which tries failed and were followed by another, and which followed? Newest first.
select
    run_id,
    task_id,
    map_index,
    try_number,
    outcome,
    started_at,
    ended_at
from marts.fct_task_attempts
where
    cluster = $cluster
    and dag_id = $dag_id
    and started_at >= $since
    and (try_number > 1 or outcome = $retried)
order by started_at desc, run_id, task_id, map_index, try_number
limit $row_limit
