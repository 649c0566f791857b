-- What was set aside at the door, and why: nothing is dropped in silence.
with quarantined_batches as (
    select * from {{ ref('stg_airflow_db__quarantined_batches') }}
),

loads as (
    select * from {{ ref('stg_airflow_db__loads') }}
)

select
    quarantined_batches.cluster,
    quarantined_batches.load_number,
    quarantined_batches.table_name,

    quarantined_batches.reason,
    quarantined_batches.quarantine_path,

    loads.observed_at,
    quarantined_batches.row_count
from quarantined_batches
inner join loads on quarantined_batches.load_number = loads.load_number
