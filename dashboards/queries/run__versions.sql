-- Which versions has the DAG, the newest first?
select
    version_key,
    version_number,
    bundle_name,
    bundle_version,
    graph_hash,
    structure_hash,
    source_hash,
    first_seen_at,
    task_count
from marts.dim_dag_versions
where
    cluster = $cluster
    and dag_id = $dag_id
order by first_seen_at desc nulls last, version_key
limit 1000
