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
        coalesce(attempts.ended_at, clusters.observed_at) > ranges.began_at
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

-- The stretches between the pauses; `is_paused` ones are for pools that count deferred tasks.
stretches as (
    select
        *,
        false as is_paused
    from active
    where pauses is null and from_at < until_at
    union all
    select
        active.* replace (
            case when bounds.number = 0 then active.from_at
                else active.pauses[bounds.number].until_at end as from_at,
            case when bounds.number = len(active.pauses) then active.until_at
                else active.pauses[bounds.number + 1].from_at end as until_at
        ),
        false as is_paused
    from active, unnest(range(len(active.pauses) + 1)) as bounds (number)
    where active.pauses is not null
    union all
    select
        active.* replace (
            active.pauses[bounds.number].from_at as from_at,
            active.pauses[bounds.number].until_at as until_at
        ),
        true as is_paused
    from active, unnest(range(1, len(active.pauses) + 1)) as bounds (number)
    where active.pauses is not null and active.pauses[bounds.number].pause_kind = 'deferred'
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

counted_stretches as (
    select
        daily_stretches.*,
        clusters.is_counted_by_run
    from daily_stretches
    inner join clusters on daily_stretches.cluster = clusters.cluster
),

limits as (
    select * from {{ ref('int_limits__sizes') }}
),

deferred_pools as (
    select distinct
        cluster,
        limit_name
    from limits
    where limit_kind = 'pool' and includes_deferred
)

{% for kind, name, scope, filter in [
    ('pool', 'stretches.pool', "''", "true"),
    ('max_active_tasks', 'stretches.dag_id',
     "if(stretches.is_counted_by_run, stretches.run_id, '')", "not stretches.is_paused"),
    ('max_active_tis_per_dag', "stretches.dag_id || '.' || stretches.task_id", "''",
     "not stretches.is_paused"),
    ('max_active_tis_per_dagrun', "stretches.dag_id || '.' || stretches.task_id",
     "stretches.run_id", "not stretches.is_paused"),
    ('parallelism', 'stretches.cluster', "''", "not stretches.is_paused"),
] -%}
select
    stretches.cluster,
    '{{ kind }}' as limit_kind,
    {{ name }} as limit_name,
    {{ scope }} as limit_run_id,
    stretches.full_date,
    stretches.dag_id,
    stretches.task_id,
    stretches.from_at,
    stretches.until_at,
    {{ 'stretches.pool_slot_count' if kind == 'pool' else '1' }}::bigint as slot_count
from counted_stretches as stretches
where
    {{ filter }}
    and (stretches.cluster, {{ name }}) in (
        select
            limits.cluster,
            limits.limit_name
        from limits
        where limits.limit_kind = '{{ kind }}'
    )
    {% if kind == 'pool' -%}
    and (
        not stretches.is_paused
        or (stretches.cluster, stretches.pool) in (
            select
                deferred_pools.cluster,
                deferred_pools.limit_name
            from deferred_pools
        )
    )
    {% endif -%}
{% if not loop.last %}union all{% endif %}
{% endfor %}
