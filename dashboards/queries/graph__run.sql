-- How did a run go, and how is its structure known?
select
    run_id,
    state,
    structure_basis,
    started_at,
    ended_at,
    duration_seconds
from marts.fct_dag_runs
where
    cluster = $cluster
    and dag_id = $dag_id
    and run_id = $run_id
limit 1
