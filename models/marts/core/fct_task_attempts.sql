-- Every try that began, with its own times. Made anew by run, like fct_dag_runs.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

with worklist as (
    select * from {{ ref('int_changes__runs') }}
),

instances as (
    select * from {{ ref('int_attempts__instances') }}
),

tries as (
    select * from {{ ref('int_attempts__tries') }}
),

pauses as (
    select
        node_number,
        try_number,
        list(
            struct_pack(pause_kind := pause_kind, from_at := from_at, until_at := until_at)
            order by from_at, until_at, pause_kind
        ) as pauses
    from {{ ref('int_attempts__pauses') }}
    group by node_number, try_number
)

select
    instances.cluster,
    instances.dag_id,
    instances.run_id,
    instances.task_id,
    instances.map_index,
    tries.try_number,

    tries.state,
    case
        when tries.was_lost then 'lost'
        when tries.state in ('success', 'skipped') then tries.state
        when tries.state = 'failed' and tries.try_rank < tries.recorded_try_count then 'retried'
        when tries.state = 'failed' and instances.state = 'up_for_retry' then 'retried'
        when tries.state = 'failed' then 'failed'
        when tries.ended_at is null then 'open'
        else 'unknown'
    end as outcome,
    instances.operator,
    tries.pool,
    instances.queue,
    tries.host_name,

    tries.scheduled_at,
    tries.queued_at,
    tries.started_at,
    tries.ended_at,
    pauses.pauses,

    tries.pool_slot_count,
    cast({{ seconds_between('tries.started_at', 'tries.ended_at') }} as double)
        as duration_seconds,

    tries.was_lost,
    worklist.load_number as newest_load_number
from tries
inner join instances on tries.node_number = instances.node_number
inner join worklist on instances.run_number = worklist.run_number
-- most tries hold their worker from begin to end
left join pauses
    on tries.node_number = pauses.node_number and tries.try_number = pauses.try_number
