-- Which task waits for which, in one version of the DAG?
select
    upstream_task_id,
    downstream_task_id,
    is_same_index
from marts.fct_task_edges
where
    cluster = $cluster
    and dag_id = $dag_id
    and version_key = $version_key
order by upstream_task_id, downstream_task_id
limit 100000
