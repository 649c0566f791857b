-- Who took how many slots of which limit, on the days that are looked at again. A try holds from queueing
-- to its end, but not while it sleeps between pokes or is deferred (unless its pool counts deferred ones).
{{ config(materialized='table') }}

with days as (
    select
        cluster,
        full_date::timestamp as day_began_at,
        full_date::timestamp + interval 1 day as day_ended_at
    from {{ ref('int_changes__limit_days') }}
),

clusters as (
    select * from {{ ref('int_changes__clusters') }}
),

ranges as (
    select
        cluster,
        min(day_began_at) as began_at,
        max(day_ended_at) as ended_at
    from days
    group by cluster
),

active as (
    select
        attempts.cluster,
        attempts.dag_id,
        attempts.run_id,
        attempts.task_id,
        attempts.pool,
        coalesce(attempts.pool_slot_count, 1) as pool_slot_count,
        attempts.pauses,
        least(attempts.queued_at, attempts.started_at) as from_at,
        least(coalesce(attempts.ended_at, clusters.observed_at), clusters.observed_at) as until_at
    from {{ ref('fct_task_attempts') }} as attempts
    inner join clusters on attempts.cluster = clusters.cluster
    inner join ranges on attempts.cluster = ranges.cluster
    where
        -- of millions of attempts: a bound that a routine build sets (int_changes__limit_days)
        (
            attempts.ended_at is null
            or attempts.ended_at
            > coalesce(getvariable('limits_from_at'), cast('-infinity' as timestamp))
        )
        and coalesce(attempts.ended_at, clusters.observed_at) > ranges.began_at
        and least(attempts.queued_at, attempts.started_at) < ranges.ended_at
    union all
    -- queued, and no worker took it yet
    select
        instances.cluster,
        instances.dag_id,
        instances.run_id,
        instances.task_id,
        instances.pool,
        coalesce(instances.pool_slot_count, 1) as pool_slot_count,
        null as pauses,
        instances.queued_at as from_at,
        clusters.observed_at as until_at
    from {{ ref('fct_task_instances') }} as instances
    inner join clusters on instances.cluster = clusters.cluster
    where instances.state = 'queued' and instances.deleted_at is null
),

-- What each try held, between its pauses; `is_paused` stretches are for pools that count deferred tasks.
-- One pass, no table of all stretches in between: ten million tries would not fit into memory.
held as (
    select
        cluster,
        dag_id,
        run_id,
        task_id,
        pool,
        pool_slot_count,
        unnest(if(
            pauses is null,
            [struct_pack(from_at := from_at, until_at := until_at, is_paused := false)],
            list_transform(
                range(len(pauses) + 1),
                lambda i: struct_pack(
                    from_at := if(i = 0, from_at, pauses[i].until_at),
                    until_at := if(i = len(pauses), until_at, pauses[i + 1].from_at),
                    is_paused := false
                )
            ) || list_transform(
                list_filter(pauses, lambda pause: pause.pause_kind = 'deferred'),
                lambda pause: struct_pack(
                    from_at := pause.from_at, until_at := pause.until_at, is_paused := true
                )
            )
        )) as stretch
    from active
),

stretches as (
    select
        cluster,
        dag_id,
        run_id,
        task_id,
        pool,
        pool_slot_count,
        stretch.from_at,
        stretch.until_at,
        stretch.is_paused
    from held
),

daily_stretches as (
    select
        stretches.* replace (
            greatest(stretches.from_at, days.day_began_at) as from_at,
            least(stretches.until_at, days.day_ended_at) as until_at
        ),
        days.day_began_at::date as full_date
    from stretches
    inner join days
        on
            stretches.cluster = days.cluster
            and stretches.from_at < days.day_ended_at
            and stretches.until_at > days.day_began_at
    where stretches.from_at < stretches.until_at
),

limit_names as (
    select
        cluster,
        limit_kind,
        limit_name,
        bool_or(includes_deferred) as includes_deferred
    from {{ ref('int_limits__sizes') }}
    group by cluster, limit_kind, limit_name
),

claimed as (
    select
        daily_stretches.*,
        unnest([
            struct_pack(
                limit_kind := 'pool', limit_name := pool, limit_run_id := '',
                slot_count := pool_slot_count
            ),
            struct_pack(
                limit_kind := 'max_active_tasks', limit_name := dag_id,
                limit_run_id := if(clusters.is_counted_by_run, run_id, ''), slot_count := 1
            ),
            struct_pack(
                limit_kind := 'max_active_tis_per_dag', limit_name := dag_id || '.' || task_id,
                limit_run_id := '', slot_count := 1
            ),
            struct_pack(
                limit_kind := 'max_active_tis_per_dagrun', limit_name := dag_id || '.' || task_id,
                limit_run_id := run_id, slot_count := 1
            ),
            struct_pack(
                limit_kind := 'parallelism', limit_name := daily_stretches.cluster,
                limit_run_id := '', slot_count := 1
            )
        ]) as claim
    from daily_stretches
    inner join clusters on daily_stretches.cluster = clusters.cluster
),

claims as (
    select
        cluster,
        claim.limit_kind,
        claim.limit_name,
        claim.limit_run_id,
        full_date,
        dag_id,
        task_id,
        from_at,
        until_at,
        claim.slot_count,
        is_paused
    from claimed
)

select
    claims.cluster,
    claims.limit_kind,
    claims.limit_name,
    claims.limit_run_id,
    claims.full_date,
    claims.dag_id,
    claims.task_id,

    claims.from_at,
    claims.until_at,

    claims.slot_count
from claims
inner join limit_names
    on
        claims.cluster = limit_names.cluster
        and claims.limit_kind = limit_names.limit_kind
        and claims.limit_name = limit_names.limit_name
where not claims.is_paused or limit_names.includes_deferred
