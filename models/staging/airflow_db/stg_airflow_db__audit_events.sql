-- Audit rows that name an actor. Who that is depends on the event: a person, the unix user of a
-- command line, or the owner of the task. A row of an execution has its index (2.3 and later) or
-- its try (2.10 and later); what a person did has neither, and a display name since 2.8.
with events as (
    select * from {{ source('airflow_db', 'airflow_db__log') }}
)

select
    cluster,
    id as event_number,

    event as event_name,
    owner as actor_name,
    dag_id,

    dttm as happened_at,

    _load_number as newest_load_number,

    map_index is not null or try_number is not null as has_execution,
    owner_display_name is not null as has_display_name
from events
where nullif(trim(owner), '') is not null and dttm is not null
