-- Hashes of source files: one per version in 3.x, one per file before. Before 3.x they are known
-- only where the source code is landed.
with dag_codes as (
    select * from {{ source('airflow_db', 'airflow_db__dag_code') }}
)

select
    cluster,
    nullif(dag_version_id, '') as version_key,
    fileloc as file_path,

    source_hash,

    last_updated as recorded_at,
    _observed_at as observed_at,

    _load_number as newest_load_number
from dag_codes
where source_hash is not null
