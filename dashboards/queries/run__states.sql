-- In which states are its task instances?
select
    state,
    count(*) as instance_count
from marts.fct_task_instances
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
group by state
order by instance_count desc, state
