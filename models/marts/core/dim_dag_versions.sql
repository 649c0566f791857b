-- The versions that runs name, with what tells one from another.
with versions as (
    select * from {{ ref('int_dags__versions') }}
)

select
    cluster,
    dag_id,
    version_key,

    version_number,
    bundle_name,
    bundle_version,
    dag_hash,
    structure_hash,
    graph_hash,
    source_hash,
    version_basis,

    first_seen_at,
    deleted_at,

    task_count,
    edge_count,

    is_latest
from versions
