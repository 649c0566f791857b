-- Which task of a version waits for which?
select
    upstream_task_id,
    downstream_task_id
from marts.fct_task_edges
where
    cluster = $cluster
    and dag_id = $dag_id
    and version_key = $version_key
order by upstream_task_id, downstream_task_id
limit 100000
