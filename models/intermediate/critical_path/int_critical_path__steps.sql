-- What every listed step did with its stretch of the run: waited, ran, was deferred, waited for the world
-- or for its next try. The seconds of a step add up to its segment.
{{ config(materialized='table') }}

with segments as (
    select * from {{ ref('int_critical_path__segments') }}
),

nodes as (
    select * from {{ ref('int_critical_path__nodes') }}
),

past_gates as (
    select * from {{ ref('int_critical_path__past_gates') }}
),

deferrals as (
    select
        node_number,
        try_number,
        list(struct_pack(
            from_at := deferred_from_at,
            until_at := deferred_until_at
        )) as stretches
    from {{ ref('int_attempts__deferrals') }}
    group by node_number, try_number
),

tries as (
    select
        segments.run_number,
        segments.path_kind,
        segments.step_number,
        segments.node_number,
        tries.is_only,
        tries.try_rank = segments.first_try_rank as is_first,
        tries.try_rank = tries.recorded_try_count as is_last_try,
        tries.state,
        tries.earlier_state,
        tries.host_name,
        tries.is_from_failure_log,
        tries.scheduled_at,
        tries.queued_at,
        tries.started_at,
        tries.pool,
        tries.pool_slot_count,
        tries.ended_at,
        segments.segment_began_at,
        segments.segment_ended_at,
        if(
            tries.try_rank = segments.first_try_rank,
            segments.segment_began_at,
            {{ cut_to('tries.earlier_busy_until_at', 'segments') }}
        ) as idle_from_at,
        {{ cut_to('tries.busy_from_at', 'segments') }} as busy_from_at,
        {{ cut_to('tries.busy_until_at', 'segments') }} as busy_until_at,
        deferrals.stretches,
        nodes.is_sensor,
        -- queued once more after it had begun: a deferral that nothing recorded
        coalesce(
            not nodes.is_sensor
            and deferrals.stretches is null
            and tries.queued_at > tries.started_at
            and tries.queued_at <= coalesce(tries.ended_at, tries.queued_at)
            and tries.state in ('success', 'failed', 'skipped', 'running', 'deferred'),
            false
        ) as has_unknown_deferral
    from segments
    inner join nodes on segments.node_number = nodes.node_number
    inner join {{ ref('int_attempts__tries') }} as tries
        on
            segments.node_number = tries.node_number
            and segments.first_try_rank <= tries.try_rank
    -- most tries are never deferred
    left join deferrals
        on tries.node_number = deferrals.node_number and tries.try_number = deferrals.try_number
),

measured as (
    select
        *,
        epoch_us(busy_from_at) - epoch_us(idle_from_at) as idle_us,
        epoch_us(busy_until_at) - epoch_us(busy_from_at) as busy_us,
        if(is_last_try, epoch_us(segment_ended_at) - epoch_us(busy_until_at), 0) as rest_us,
        coalesce(list_sum(list_transform(
            stretches,
            lambda stretch: greatest(
                0,
                epoch_us(least(stretch.until_at, busy_until_at))
                - epoch_us(greatest(stretch.from_at, busy_from_at))
            )
        )), 0)::bigint as deferred_us,
        if(
            has_unknown_deferral,
            greatest(0, epoch_us(least(queued_at, busy_until_at)) - epoch_us(busy_from_at)),
            0
        ) as unknown_us
    from tries
),

termed as (
    select
        run_number,
        path_kind,
        step_number,
        node_number,
        is_only,
        is_first,
        if(is_first or earlier_state is distinct from 'failed', idle_us, 0)
        + if(state is distinct from 'failed', rest_us, 0)
        + unknown_us as handoff_us,
        if(not is_first and earlier_state = 'failed', idle_us, 0)
        + if(state = 'failed', rest_us, 0) as retry_wait_us,
        if(is_sensor, busy_us, 0) as external_wait_us,
        if(is_sensor, 0, deferred_us) as deferred_us,
        if(is_sensor, 0, busy_us - deferred_us - unknown_us) as running_us,
        has_unknown_deferral,
        struct_pack(
            is_scheduler_made := queued_at is null
            and host_name is null
            and not is_from_failure_log,
            scheduled_at := scheduled_at,
            queued_at := queued_at,
            started_at := started_at,
            busy_from_at := busy_from_at,
            pool := pool,
            pool_slot_count := pool_slot_count
        ) as first_try
    from measured
),

summed as (
    select * exclude (is_only, is_first)
    from termed
    where is_only
    union all
    select
        run_number,
        path_kind,
        step_number,
        node_number,
        sum(handoff_us)::bigint as handoff_us,
        sum(retry_wait_us)::bigint as retry_wait_us,
        sum(external_wait_us)::bigint as external_wait_us,
        sum(deferred_us)::bigint as deferred_us,
        sum(running_us)::bigint as running_us,
        bool_or(has_unknown_deferral) as has_unknown_deferral,
        arg_max(first_try, is_first) as first_try
    from termed
    where not is_only
    group by run_number, path_kind, step_number, node_number
),

waits as (
    select
        summed.*,
        segments.segment_began_at,
        segments.segment_ended_at,
        segments.is_last,
        past_gates.past_run_id as gated_by_run_id,
        least(
            greatest(
                coalesce(past_gates.past_ended_at, segments.segment_began_at),
                segments.segment_began_at
            ),
            first_try.busy_from_at
        ) as ready_at,
        -- the scheduler finishes empty tasks itself and marks are a person's: neither is queued
        first_try.is_scheduler_made as is_scheduler_made
    from summed
    inner join segments
        on
            summed.run_number = segments.run_number
            and summed.path_kind = segments.path_kind
            and summed.step_number = segments.step_number
    -- only the first step of a path that leaves the run
    left join past_gates
        on summed.node_number = past_gates.node_number and segments.step_number = 1
)

select
    waits.run_number,
    waits.path_kind,
    waits.step_number,
    waits.node_number,
    nodes.task_id,
    nodes.map_index,

    waits.gated_by_run_id,
    waits.first_try.pool as pool,
    if(waits.first_try.scheduled_at is null, 'inferred', 'recorded') as waits_basis,
    nodes.structure_basis,

    waits.segment_began_at,
    waits.segment_ended_at,
    waits.ready_at,
    case
        when waits.is_scheduler_made or waits.first_try.queued_at > waits.first_try.started_at
            then waits.first_try.busy_from_at
        -- least() and greatest() skip nulls
        when waits.first_try.queued_at is null then null
        else least(
            greatest(waits.first_try.queued_at, waits.ready_at), waits.first_try.busy_from_at
        )
    end as queued_at,
    waits.first_try.busy_from_at as started_at,

    waits.first_try.pool_slot_count as pool_slot_count,
    waits.handoff_us,
    waits.running_us,
    waits.retry_wait_us,
    waits.deferred_us,
    waits.external_wait_us,

    waits.is_scheduler_made,
    waits.is_last,
    nodes.has_missing_tries,
    nodes.has_clock_skew,
    nodes.was_lost,
    waits.has_unknown_deferral
from waits
inner join nodes on waits.node_number = nodes.node_number
