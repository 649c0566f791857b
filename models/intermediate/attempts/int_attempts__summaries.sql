-- What the tries of an instance say of it as a whole.
{{ config(materialized='table') }}

with instances as (
    select * from {{ ref('int_attempts__instances') }}
),

tries as (
    select
        node_number,
        try_number as try_count,
        1 as recorded_try_count,
        may_miss_tries,
        started_at,
        ended_at,
        was_lost
    from {{ ref('int_attempts__tries') }}
    where is_only
    union all
    select
        node_number,
        max(try_number) as try_count,
        count(*) as recorded_try_count,
        bool_or(may_miss_tries) as may_miss_tries,
        arg_max(started_at, try_rank) as started_at,
        arg_max(ended_at, try_rank) as ended_at,
        arg_max(was_lost, try_rank) as was_lost
    from {{ ref('int_attempts__tries') }}
    where not is_only
    group by node_number
),

marks as (
    select distinct node_number
    from {{ ref('int_attempts__events') }}
    where event_kind = 'marked_success'
),

clusters as (
    select * from {{ ref('int_changes__clusters') }}
)

select
    instances.node_number,

    if(tries.node_number is null, instances.started_at, tries.started_at) as started_at,
    case
        when tries.node_number is null then instances.ended_at
        when instances.state in ('upstream_failed', 'removed') then instances.ended_at
        else tries.ended_at
    end as ended_at,

    coalesce(tries.try_count, 0) as try_count,

    tries.node_number is not null
    and {{ has_begun('instances.state', 'instances.was_picked_up', 'instances.may_be_empty') }}
        as has_run,
    case
        when instances.state is distinct from 'success' then false
        when marks.node_number is not null then true
        -- before the first audit event nothing tells
        when instances.ended_at >= clusters.first_event_at then false
    end as was_marked_success,
    coalesce(tries.was_lost, false) as was_lost,
    coalesce(tries.may_miss_tries and tries.try_count > tries.recorded_try_count, false)
        as has_missing_tries
from instances
inner join clusters on instances.cluster = clusters.cluster
-- never ran
left join tries on instances.node_number = tries.node_number
-- hardly any is marked
left join marks on instances.node_number = marks.node_number
