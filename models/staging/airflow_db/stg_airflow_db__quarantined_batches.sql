-- Batches that failed their gate, as the door recorded them.
with quarantined_batches as (
    select * from {{ source('airflow_db', 'quarantined_batches') }}
)

select
    cluster,
    load_number,
    table_name,

    reason,
    path as quarantine_path,

    row_count
from quarantined_batches
