-- Versions that Airflow 3 numbers; older releases know a hash alone.
with dag_versions as (
    select * from {{ source('airflow_db', 'airflow_db__dag_version') }}
)

select
    cluster,
    dag_id,
    id as version_key,

    bundle_name,
    nullif(bundle_version, '') as bundle_version,

    created_at as first_seen_at,
    _deleted_at as deleted_at,

    version_number,
    _load_number as newest_load_number
from dag_versions
