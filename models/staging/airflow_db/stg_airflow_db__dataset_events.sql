-- Updates of datasets with the instance that made them; an update through the API names none.
with events as (
    select * from {{ source('airflow_db', 'airflow_db__dataset_event') }}
)

select
    cluster,
    id as event_number,
    dataset_id as asset_number,

    nullif(source_dag_id, '') as upstream_dag_id,
    nullif(source_run_id, '') as upstream_run_id,
    nullif(source_task_id, '') as upstream_task_id,
    source_map_index as upstream_map_index,

    timestamp as happened_at,

    _load_number as newest_load_number
from events
