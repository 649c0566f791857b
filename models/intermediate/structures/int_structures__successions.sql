-- Versions of touched DAGs whose structure was read, each beside the one before it: numbered versions
-- (3.x) by their number, hashes (before) in the order in which Windsock first saw them.
{{ config(materialized='table') }}

with touched_dags as (
    select * from {{ ref('int_changes__version_dags') }}
),

versions as (
    select * from {{ ref('int_dags__versions') }}
    where structure_hash is not null
),

structures as (
    select
        cluster,
        dag_id,
        version_key,
        min(first_seen_at) as first_seen_at
    from {{ ref('int_structures__versions') }}
    group by cluster, dag_id, version_key
),

dated as (
    select
        versions.cluster,
        versions.dag_id,
        versions.version_key,
        versions.version_number,
        versions.structure_hash,
        versions.bundle_name,
        versions.bundle_version,
        -- before 3.x the hash is of the file, and changes with any other DAG of it
        if(versions.version_basis = 'recorded', versions.source_hash, null) as source_hash,
        -- not when a run named a hash first: runs come and go at the source
        if(versions.version_basis = 'recorded', versions.first_seen_at, structures.first_seen_at)
            as changed_at,
        versions.version_basis = 'recorded' as is_recorded
    from versions
    semi join touched_dags
        on versions.cluster = touched_dags.cluster and versions.dag_id = touched_dags.dag_id
    inner join structures
        on
            versions.cluster = structures.cluster
            and versions.dag_id = structures.dag_id
            and versions.version_key = structures.version_key
),

followed as (
    select
        cluster,
        dag_id,
        version_key,
        lag(version_key) over versions_in_order as previous_version_key,

        structure_hash,
        lag(structure_hash) over versions_in_order as previous_structure_hash,
        source_hash,
        lag(source_hash) over versions_in_order as previous_source_hash,
        bundle_name,
        lag(bundle_name) over versions_in_order as previous_bundle_name,
        bundle_version,
        lag(bundle_version) over versions_in_order as previous_bundle_version,

        changed_at,

        is_recorded,
        lag(is_recorded) over versions_in_order as was_recorded
    from dated
    window versions_in_order as (
        partition by cluster, dag_id
        order by is_recorded, version_number, changed_at, version_key
    )
)

select *
from followed
-- a DAG's first version has none before it
where previous_version_key is not null
