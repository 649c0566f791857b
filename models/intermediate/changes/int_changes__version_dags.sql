-- DAGs of which something landed since the last whole build that tells one version from another: a structure,
-- a version, the hash of a version's source.
{{ config(materialized='table') }}

with built as (
    select {{ built_load_number() }} as load_number
),

versions as (
    select * from {{ ref('stg_airflow_db__dag_versions') }}
),

codes as (
    select * from {{ ref('stg_airflow_db__dag_codes') }}
)

select
    cluster,
    dag_id
from {{ ref('int_changes__structure_dags') }}
union
select
    cluster,
    dag_id
from versions
where newest_load_number > (select built.load_number from built)
union
select
    versions.cluster,
    versions.dag_id
from codes
inner join versions
    on codes.cluster = versions.cluster and codes.version_key = versions.version_key
where codes.newest_load_number > (select built.load_number from built)
