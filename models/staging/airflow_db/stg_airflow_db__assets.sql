-- Assets by their number (3.x).
with assets as (
    select * from {{ source('airflow_db', 'airflow_db__asset') }}
)

select
    cluster,
    id as asset_number,

    coalesce(name, uri) as asset_name,

    _load_number as newest_load_number
from assets
