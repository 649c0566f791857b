-- Tries with the instants that the path compares: begun at the first execution, ended when the process
-- was last seen alive, never overlapping the try before.
{{ config(materialized='table') }}

with recorded as (
    select
        *,
        null::timestamp as earlier_ended_at
    from {{ ref('int_attempts__recorded') }}
    where is_only
    union all
    select
        *,
        lag(ended_at) over (
            partition by node_number
            order by started_at, try_number
        ) as earlier_ended_at
    from {{ ref('int_attempts__recorded') }}
    where not is_only
),

nodes as (
    select
        node_number,
        run_number,
        cluster,
        dag_id,
        run_id,
        task_id,
        map_index,
        path_ended_at,
        is_sensor,
        cluster in (
            select clusters.cluster
            from {{ ref('int_changes__clusters') }} as clusters
            where clusters.is_try_counted_at_start
        ) as is_try_counted_at_start
    from {{ ref('int_attempts__instances') }}
),

events as (
    select * from {{ ref('int_attempts__events') }}
),

-- Most releases move a rescheduling sensor's start to its last poke. Tasks that are no sensors are
-- rescheduled by 3.x while their file does not parse: they have not begun.
first_pokes as (
    select
        recorded.node_number,
        recorded.try_number,
        min(reschedules.started_at) as started_at,
        arg_min(reschedules.is_start_known, reschedules.started_at) as is_start_known
    from {{ ref('stg_airflow_db__task_reschedules') }} as reschedules
    inner join nodes
        on
            reschedules.cluster = nodes.cluster
            and reschedules.dag_id = nodes.dag_id
            and reschedules.run_id = nodes.run_id
            and reschedules.task_id = nodes.task_id
            and reschedules.map_index = nodes.map_index
            and nodes.is_sensor
    inner join recorded
        on
            nodes.node_number = recorded.node_number
            and reschedules.started_at < recorded.started_at
            and reschedules.started_at >= coalesce(recorded.earlier_ended_at, '-infinity')
            -- an earlier try may not be recorded
            and (
                not nodes.is_try_counted_at_start
                or reschedules.try_number = recorded.try_number
            )
    group by recorded.node_number, recorded.try_number
),

-- Some releases move the start of a deferred task to its resumption, or of a rescheduled one to its last
-- poke; the audit log still has the first execution.
last_ends as (
    select
        recorded.node_number,
        recorded.try_number,
        max(events.happened_at) as happened_at
    from events
    inner join recorded
        on
            events.node_number = recorded.node_number
            and events.happened_at < recorded.started_at
    where events.event_kind = 'ended'
    group by recorded.node_number, recorded.try_number
),

first_events as (
    select
        recorded.node_number,
        recorded.try_number,
        min(events.happened_at) as started_at
    from events
    inner join recorded
        on
            events.node_number = recorded.node_number
            and events.happened_at < recorded.started_at
            and events.happened_at >= coalesce(recorded.earlier_ended_at, '-infinity')
    -- an earlier try that is not recorded has left its end
    left join last_ends
        on
            recorded.node_number = last_ends.node_number
            and recorded.try_number = last_ends.try_number
    -- most tries were never rescheduled
    left join first_pokes
        on
            recorded.node_number = first_pokes.node_number
            and recorded.try_number = first_pokes.try_number
    where
        events.event_kind in ('running', 'deferred')
        and events.happened_at > coalesce(last_ends.happened_at, '-infinity')
    group by recorded.node_number, recorded.try_number
    having
        bool_or(events.event_kind = 'deferred')
        or bool_or(not first_pokes.is_start_known)
),

-- Executions of tries before the first that is recorded: since 2.10 a number alone may never have begun.
unrecorded as (
    select
        recorded.node_number,
        count(*) as execution_count
    from recorded
    inner join events
        on
            recorded.node_number = events.node_number
            and events.try_number < recorded.try_number
    where recorded.earlier_ended_at is null and events.event_kind = 'running'
    group by recorded.node_number
),

found_dead as (
    select
        recorded.node_number,
        recorded.try_number,
        min(events.happened_at) as noticed_at
    from events
    inner join recorded
        on
            events.node_number = recorded.node_number
            and events.happened_at >= recorded.started_at
            and events.happened_at <= coalesce(recorded.ended_at, 'infinity')
    where
        events.event_kind = 'lost'
        and coalesce(events.try_number = recorded.try_number, true)
    group by recorded.node_number, recorded.try_number
),

-- The job of a process that died stays `running` for ever, or until a scheduler buries it.
orphaned_jobs as (
    select
        cluster,
        job_number,
        heartbeat_at
    from {{ ref('stg_airflow_db__jobs') }}
    where job_kind = 'LocalTaskJob' and state = 'running'
),

dated as (
    select
        recorded.*,
        nodes.run_number,
        nodes.path_ended_at,
        least(
            recorded.started_at,
            coalesce(first_pokes.started_at, recorded.started_at),
            coalesce(first_events.started_at, recorded.started_at)
        ) as begun_at,
        recorded.ended_at is not null
        and (found_dead.node_number is not null or orphaned_jobs.job_number is not null)
            as was_lost,
        coalesce(orphaned_jobs.heartbeat_at, recorded.heartbeat_at, found_dead.noticed_at)
            as last_alive_at,
        nodes.is_try_counted_at_start or unrecorded.node_number is not null
            as may_miss_tries
    from recorded
    inner join nodes on recorded.node_number = nodes.node_number
    -- only where a try number is missing
    left join unrecorded on recorded.node_number = unrecorded.node_number
    -- only rescheduling sensors
    left join first_pokes
        on
            recorded.node_number = first_pokes.node_number
            and recorded.try_number = first_pokes.try_number
    -- only deferred tasks whose start was moved
    left join first_events
        on
            recorded.node_number = first_events.node_number
            and recorded.try_number = first_events.try_number
    -- only lost tasks
    left join found_dead
        on
            recorded.node_number = found_dead.node_number
            and recorded.try_number = found_dead.try_number
    left join orphaned_jobs
        on nodes.cluster = orphaned_jobs.cluster and recorded.job_number = orphaned_jobs.job_number
),

capped as (
    select
        *,
        if(was_lost, greatest(begun_at, least(ended_at, last_alive_at)), ended_at) as capped_at
    from dated
),

-- Windows over retried instances alone: they are few.
retried as (
    select
        *,
        row_number() over tries as try_rank,
        count(*) over (partition by node_number) as recorded_try_count
    from capped
    where not is_only
    window tries as (partition by node_number order by begun_at, try_number)
),

ranked as (
    select
        *,
        1 as try_rank,
        1 as recorded_try_count
    from capped
    where is_only
    union all
    select * from retried
),

-- An earlier try whose end nobody saw is known to have lived until its last sign of life.
ended as (
    select
        *,
        greatest(begun_at, case
            when capped_at is not null then capped_at
            when try_rank < recorded_try_count then coalesce(last_alive_at, begun_at)
            else coalesce(path_ended_at, begun_at)
        end) as busy_until_at
    from ranked
),

ordered as (
    select
        *,
        null::timestamp as earlier_busy_until_at,
        null::varchar as earlier_state
    from ended
    where is_only
    union all
    select
        *,
        max(busy_until_at) over (
            partition by node_number
            order by try_rank
            rows between unbounded preceding and 1 preceding
        ) as earlier_busy_until_at,
        lag(state) over (
            partition by node_number
            order by try_rank
        ) as earlier_state
    from ended
    where not is_only
)

select
    node_number,
    run_number,
    try_number,
    try_rank,

    state,
    earlier_state,
    host_name,
    pool,
    pool_slot_count,

    scheduled_at,
    queued_at,
    begun_at as started_at,
    capped_at as ended_at,
    earlier_busy_until_at,
    greatest(begun_at, coalesce(earlier_busy_until_at, begun_at)) as busy_from_at,
    greatest(busy_until_at, coalesce(earlier_busy_until_at, busy_until_at)) as busy_until_at,

    recorded_try_count,
    newest_load_number,

    is_only,
    is_from_failure_log,
    may_miss_tries,
    was_lost,
    coalesce(begun_at < earlier_busy_until_at, false) as has_clock_skew
from ordered
