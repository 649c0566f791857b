-- Which updates of assets made the scheduler create which run.
with run_events as (
    select * from {{ source('airflow_db', 'airflow_db__dagrun_asset_event') }}
)

select
    cluster,
    dag_id,
    run_id,
    event_id as event_number,

    _load_number as newest_load_number
from run_events
