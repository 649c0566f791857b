-- The audit log row by row, as Airflow wrote it. Of what a person sent along the door keeps a few keys that
-- hold no text of his.
with events as (
    select * from {{ source('airflow_db', 'airflow_db__log') }}
)

select
    cluster,
    id as event_id,

    event as event_name,
    nullif(trim(owner), '') as actor_name,
    dag_id,
    run_id,
    task_id,
    map_index,
    try_number,

    coalesce(extra ->> '$.new_state', extra ->> '$.state') as new_state,

    coalesce(logical_date, execution_date) as logical_at,
    dttm as happened_at,

    _load_number as newest_load_number,

    try_cast(extra ->> '$.is_paused' as boolean) as is_paused,
    try_cast(extra ->> '$.dry_run' as boolean) as is_dry_run,
    map_index is not null or try_number is not null as has_execution,
    owner_display_name is not null as has_display_name
from events
where dttm is not null
