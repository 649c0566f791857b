-- Is there any run at all, and when was the newest?
select
    count(*) as run_count,
    max(coalesce(started_at, queued_at, logical_at)) as newest_at
from marts.fct_dag_runs
