-- Which versions did this DAG have, newest first?
select
    version_key,
    version_number,
    version_basis,
    bundle_name,
    bundle_version,
    source_hash,
    task_count,
    edge_count,
    first_seen_at,
    deleted_at,
    is_latest
from marts.dim_dag_versions
where
    cluster = $cluster
    and dag_id = $dag_id
order by first_seen_at desc nulls last, version_number desc nulls last, version_key
limit $row_limit
