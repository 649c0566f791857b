-- Stretches in which a try waited in the triggerer: from a `deferred` event to the next `running` one.
{{ config(materialized='table') }}

with events as (
    select
        node_number,
        event_kind,
        happened_at,
        lead(happened_at) over (
            partition by node_number
            order by happened_at, event_number
        ) as next_happened_at
    from {{ ref('int_attempts__events') }}
    where event_kind in ('deferred', 'running')
),

tries as (
    select * from {{ ref('int_attempts__tries') }}
)

select
    tries.node_number,
    tries.try_number,

    greatest(events.happened_at, tries.busy_from_at) as deferred_from_at,
    least(coalesce(events.next_happened_at, tries.busy_until_at), tries.busy_until_at)
        as deferred_until_at
from events
inner join tries
    on
        events.node_number = tries.node_number
        and events.happened_at >= tries.started_at
        and events.happened_at < tries.busy_until_at
where events.event_kind = 'deferred'
