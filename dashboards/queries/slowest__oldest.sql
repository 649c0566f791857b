-- How far back do successful runs go?
select
    count(*) as run_count,
    min(ended_at) as oldest_at
from marts.fct_dag_runs
where
    state = $success
    and ($cluster is null or cluster = $cluster)
