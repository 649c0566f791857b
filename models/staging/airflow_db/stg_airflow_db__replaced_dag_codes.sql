-- Hashes of source files that were overwritten after they had been seen (before 3.x).
with dag_codes as (
    select * from {{ source('airflow_db', 'airflow_db__dag_code__replaced') }}
)

select
    cluster,
    fileloc as file_path,

    source_hash,

    last_updated as recorded_at,
    _observed_at as observed_at
from dag_codes
where source_hash is not null and nullif(dag_version_id, '') is null
