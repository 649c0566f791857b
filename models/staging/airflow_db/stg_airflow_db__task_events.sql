-- What the audit log says of single executions: begin, end, deferral, processes found dead, states that a
-- person set. Before 2.10 an event names its run by the logical date alone.
with events as (
    select * from {{ source('airflow_db', 'airflow_db__log') }}
)

select
    cluster,
    dag_id,
    run_id,
    task_id,
    coalesce(map_index, -1) as map_index,

    case
        when event in ('running', 'deferred') then event
        when event in ('success', 'failed', 'skipped') then 'ended'
        when event = 'heartbeat timeout' then 'lost'
        else 'marked_' || (extra ->> '$.new_state')
    end as event_kind,

    coalesce(logical_date, execution_date) as logical_at,
    dttm as happened_at,

    id as event_number,
    try_number,

    _load_number as newest_load_number
from events
where
    task_id is not null
    and (
        event in ('running', 'deferred', 'success', 'failed', 'skipped', 'heartbeat timeout')
        or (
            event in (
                'api.patch_task_instance', 'patch_task_instance', 'api.set_task_instance_state',
                'api.post_set_task_instances_state', 'post_set_task_instances_state'
            )
            and extra ->> '$.new_state' in ('success', 'failed', 'skipped')
        )
    )
