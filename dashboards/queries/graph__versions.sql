-- Which versions of a DAG are known, newest first, and how large is each?
select
    version_key,
    version_number,
    first_seen_at,
    task_count,
    edge_count,
    is_latest
from marts.dim_dag_versions
where
    cluster = $cluster
    and dag_id = $dag_id
order by first_seen_at desc nulls last, version_number desc nulls last, version_key
limit 2000
