-- Every version of a DAG that any row tells of: numbered by Airflow (3.x), read as a structure, or
-- only named by runs whose structure was replaced before Windsock looked (2.x).
{{ config(materialized='table') }}

with recorded_versions as (
    select * from {{ ref('stg_airflow_db__dag_versions') }}
),

structures as (
    select *
    from {{ ref('stg_airflow_db__dag_facts') }}
    -- 3.x may serialize a version anew, in place, as long as no run uses it
    qualify row_number() over (
        partition by cluster, dag_id, version_key
        order by seen_at desc, newest_load_number desc, dag_hash desc
    ) = 1
),

versions_of_runs as (
    select
        cluster,
        dag_id,
        version_key,
        min(coalesce(queued_at, started_at, logical_at)) as first_run_at
    from {{ ref('stg_airflow_db__dag_runs') }}
    where version_key is not null
    group by cluster, dag_id, version_key
),

latest_structures as (
    select * from {{ ref('int_structures__latest') }}
),

dags as (
    select * from {{ ref('stg_airflow_db__dags') }}
),

codes as (
    select * from {{ ref('stg_airflow_db__dag_codes') }}
),

code_images as (
    select
        cluster,
        file_path,
        source_hash,
        observed_at
    from codes
    where version_key is null

    union

    select
        cluster,
        file_path,
        source_hash,
        observed_at
    from {{ ref('stg_airflow_db__replaced_dag_codes') }}
),

mentions as (
    select cluster, dag_id, version_key from recorded_versions
    union
    select cluster, dag_id, version_key from structures
    union
    select cluster, dag_id, version_key from versions_of_runs
),

versions as (
    select
        mentions.cluster,
        mentions.dag_id,
        mentions.version_key,
        recorded_versions.version_number,
        recorded_versions.bundle_name,
        recorded_versions.bundle_version,
        recorded_versions.deleted_at,
        structures.dag_hash,
        structures.structure_hash,
        structures.graph_hash,
        structures.task_count,
        structures.edge_count,
        structures.seen_at,
        case
            when recorded_versions.version_key is not null then 'recorded'
            when structures.version_key is not null then 'structure'
            else 'runs'
        end as version_basis,
        -- before 3.x: what Windsock saw first, a structure or a run with its hash
        coalesce(
            recorded_versions.first_seen_at,
            least(structures.seen_at, versions_of_runs.first_run_at)
        ) as first_seen_at,
        latest_structures.version_key is not null as is_latest
    from mentions
    -- each source knows versions that the others lack
    left join recorded_versions
        on
            mentions.cluster = recorded_versions.cluster
            and mentions.dag_id = recorded_versions.dag_id
            and mentions.version_key = recorded_versions.version_key
    left join structures
        on
            mentions.cluster = structures.cluster
            and mentions.dag_id = structures.dag_id
            and mentions.version_key = structures.version_key
    left join versions_of_runs
        on
            mentions.cluster = versions_of_runs.cluster
            and mentions.dag_id = versions_of_runs.dag_id
            and mentions.version_key = versions_of_runs.version_key
    left join latest_structures
        on
            mentions.cluster = latest_structures.cluster
            and mentions.dag_id = latest_structures.dag_id
            and mentions.version_key = latest_structures.version_key
),

-- Before 3.x a hash belongs to a file: the one that lay there when the structure was first seen.
code_of_structures as (
    select
        versions.cluster,
        versions.dag_id,
        versions.version_key,
        code_images.source_hash
    from versions
    inner join dags on versions.cluster = dags.cluster and versions.dag_id = dags.dag_id
    asof join code_images
        on
            dags.cluster = code_images.cluster
            and dags.file_path = code_images.file_path
            and versions.seen_at >= code_images.observed_at
    where versions.version_basis = 'structure'
),

code_of_versions as (
    select
        cluster,
        version_key,
        arg_max(source_hash, recorded_at) as source_hash
    from codes
    where version_key is not null
    group by cluster, version_key
)

select
    versions.* exclude (seen_at),
    coalesce(code_of_versions.source_hash, code_of_structures.source_hash) as source_hash
from versions
-- the source's hash is known from 3.0 on, before only where the source code is landed
left join code_of_versions
    on
        versions.cluster = code_of_versions.cluster
        and versions.version_key = code_of_versions.version_key
left join code_of_structures
    on
        versions.cluster = code_of_structures.cluster
        and versions.dag_id = code_of_structures.dag_id
        and versions.version_key = code_of_structures.version_key
