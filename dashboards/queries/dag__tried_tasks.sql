-- How often did each task begin, since when?
select
    task_id,
    outcome,
    count(*) as attempt_count,
    count(distinct (run_id, map_index)) as instance_count
from marts.fct_task_attempts
where
    cluster = $cluster
    and dag_id = $dag_id
    and started_at >= $since
group by task_id, outcome
order by task_id, outcome
