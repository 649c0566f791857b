-- How many runs does this DAG have, by state and kind?
select
    state,
    run_kind,
    count(*) as run_count
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
group by state, run_kind
order by run_count desc, state, run_kind
