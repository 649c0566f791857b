-- Datasets by their number (2.4 to 2.11).
with datasets as (
    select * from {{ source('airflow_db', 'airflow_db__dataset') }}
)

select
    cluster,
    id as asset_number,

    uri as asset_name,

    _load_number as newest_load_number
from datasets
