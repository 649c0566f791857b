-- What people and schedulers did, of the audit rows that landed since the last whole build. Nearly all rows
-- tell how tasks ran or who looked at a page: they are left out, or the log of a DAG would be
-- unreadable and as long as its history of attempts.
{{ config(materialized='table') }}

with new_events as (
    select * from {{ ref('stg_airflow_db__audit_log') }}
    where newest_load_number > {{ built_load_number() }}
),

event_kinds as (
    select
        event_pattern,
        actor_pattern,
        event_kind,
        {{ glob_like('event_pattern') }} as event_like_pattern,
        {{ glob_like('actor_pattern') }} as actor_like_pattern
    from {{ ref('audit_events') }}
),

-- Names repeat: each pair is compared with the patterns once.
actors as (
    select distinct
        event_name,
        coalesce(actor_name, '') as actor_name
    from new_events
),

-- The longest pattern wins, so that one command can be told from all commands.
kinds as (
    select
        actors.event_name,
        actors.actor_name,
        -- what no pattern names is a request of a person
        coalesce(
            arg_max(event_kinds.event_kind, struct_pack(
                event_length := length(event_kinds.event_pattern),
                actor_length := length(event_kinds.actor_pattern),
                event_kind := event_kinds.event_kind
            )),
            'request'
        ) as event_kind
    from actors
    left join event_kinds
        on
            like_escape(actors.event_name, event_kinds.event_like_pattern, '\')
            and like_escape(actors.actor_name, event_kinds.actor_like_pattern, '\')
    group by actors.event_name, actors.actor_name
),

classified as (
    select
        new_events.*,
        -- pages of Airflow 2 name the marking of a task like its state: a person has a display name
        if(
            kinds.event_kind = 'task_state'
            and new_events.has_display_name and not new_events.has_execution,
            'request',
            kinds.event_kind
        ) as event_kind
    from new_events
    inner join kinds
        on
            new_events.event_name = kinds.event_name
            and coalesce(new_events.actor_name, '') = kinds.actor_name
)

select
    cluster,
    event_id,

    event_name,
    event_kind,
    actor_name,
    dag_id,
    run_id,
    task_id,
    map_index,
    try_number,
    new_state,

    logical_at,
    happened_at,

    newest_load_number,

    is_paused,
    is_dry_run
from classified
where event_kind in ('request', 'cli', 'scheduler')
