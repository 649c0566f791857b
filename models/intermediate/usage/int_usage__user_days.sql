-- Who used the pages and the API on a day, and how often. Days to which requests landed since the
-- last whole build are counted anew from all their rows; the others stay.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['cluster', 'usage_date'],
    on_schema_change='fail',
) }}

-- Not materialized: most of the audit log is of other days.
with events as not materialized (
    select
        *,
        cast(happened_at as date) as usage_date
    from {{ ref('stg_airflow_db__audit_events') }}
),

event_kinds as (
    select
        event_kind,
        {{ glob_like('event_pattern') }} as event_like_pattern,
        {{ glob_like('actor_pattern') }} as actor_like_pattern
    from {{ ref('audit_events') }}
),

touched_days as (
    select distinct
        cluster,
        usage_date
    from events
    where newest_load_number > {{ built_load_number() }}
),

-- Names repeat: rows are counted before their names are compared with patterns.
actor_days as (
    select
        events.cluster,
        events.usage_date,
        events.actor_name,
        events.event_name,
        events.has_display_name and not events.has_execution as has_person,
        count(*) as event_count
    from events
    inner join touched_days
        on events.cluster = touched_days.cluster and events.usage_date = touched_days.usage_date
    group by all
),

classified as (
    select
        actor_days.cluster,
        actor_days.usage_date,
        actor_days.actor_name,
        actor_days.event_name,
        actor_days.event_count,
        actor_days.has_person,
        -- what no pattern names is a request of a person
        coalesce(min(event_kinds.event_kind), 'request') as event_kind
    from actor_days
    left join event_kinds
        on
            like_escape(actor_days.event_name, event_kinds.event_like_pattern, '\')
            and like_escape(actor_days.actor_name, event_kinds.actor_like_pattern, '\')
    group by all
)

select
    cluster,
    usage_date,
    actor_name as user_name,

    cast(sum(event_count) as bigint) as request_count
from classified
where
    event_kind in ('request', 'view')
    -- pages of Airflow 2 name the marking of a task like its state: a person has a display name
    or (event_kind = 'task_state' and has_person)
group by cluster, usage_date, actor_name
