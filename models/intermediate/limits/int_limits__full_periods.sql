-- When each limit was full, on the days that are looked at again: `need_count` slots were not to be had. Cut
-- at midnight (UTC), so that a day can be made anew alone.
{{ config(materialized='table') }}

with holds as (
    select * from {{ ref('int_limits__holds') }}
),

sizes as (
    select * from {{ ref('int_limits__sizes') }}
),

-- What could not be full if everybody of the day came at once need not be looked at.
smallest_sizes as (
    select
        cluster,
        limit_kind,
        limit_name,
        min(size_count) as size_count
    from sizes
    group by cluster, limit_kind, limit_name
),

needs as (
    select
        cluster,
        limit_kind,
        limit_name,
        slot_count as need_count
    from holds
    group by cluster, limit_kind, limit_name, slot_count
    union
    select
        cluster,
        limit_kind,
        limit_name,
        1 as need_count
    from sizes
),

largest_needs as (
    select
        cluster,
        limit_kind,
        limit_name,
        max(need_count) as need_count
    from needs
    group by cluster, limit_kind, limit_name
),

crowded as (
    select
        holds.cluster,
        holds.limit_kind,
        holds.limit_name,
        holds.limit_run_id,
        holds.full_date
    from holds
    inner join smallest_sizes
        on
            holds.cluster = smallest_sizes.cluster
            and holds.limit_kind = smallest_sizes.limit_kind
            and holds.limit_name = smallest_sizes.limit_name
    inner join largest_needs
        on
            holds.cluster = largest_needs.cluster
            and holds.limit_kind = largest_needs.limit_kind
            and holds.limit_name = largest_needs.limit_name
    group by
        holds.cluster,
        holds.limit_kind,
        holds.limit_name,
        holds.limit_run_id,
        holds.full_date,
        smallest_sizes.size_count,
        largest_needs.need_count
    having sum(holds.slot_count) + largest_needs.need_count > smallest_sizes.size_count
),

-- A pool that is too small for anybody is full all day, whether or not it is held.
days as (
    select
        cluster,
        full_date,
        full_date::timestamp as day_began_at
    from {{ ref('int_changes__limit_days') }}
),

clusters as (
    select * from {{ ref('int_changes__clusters') }}
),

crowded_or_tiny as (
    select * from crowded
    union
    select
        days.cluster,
        smallest_sizes.limit_kind,
        smallest_sizes.limit_name,
        '' as limit_run_id,
        days.full_date
    from days
    inner join smallest_sizes on days.cluster = smallest_sizes.cluster
    inner join largest_needs
        on
            smallest_sizes.cluster = largest_needs.cluster
            and smallest_sizes.limit_kind = largest_needs.limit_kind
            and smallest_sizes.limit_name = largest_needs.limit_name
    where
        smallest_sizes.limit_kind = 'pool'
        and largest_needs.need_count > smallest_sizes.size_count
),

scopes as (
    select
        *,
        row_number() over () as scope_number
    from crowded_or_tiny
),

crowded_holds as (
    select
        scopes.scope_number,
        holds.from_at,
        holds.until_at,
        holds.slot_count
    from holds
    inner join scopes using (cluster, limit_kind, limit_name, limit_run_id, full_date)
),

changes as (
    select
        scope_number,
        from_at as happened_at,
        slot_count as delta_count
    from crowded_holds
    union all
    select
        scope_number,
        until_at as happened_at,
        -slot_count as delta_count
    from crowded_holds
    union all
    select
        scope_number,
        full_date::timestamp as happened_at,
        0 as delta_count
    from scopes
    union all
    -- somebody changed the size
    select
        scopes.scope_number,
        sizes.valid_from_at as happened_at,
        0 as delta_count
    from scopes
    inner join sizes
        on
            scopes.cluster = sizes.cluster
            and scopes.limit_kind = sizes.limit_kind
            and scopes.limit_name = sizes.limit_name
            and sizes.valid_from_at > scopes.full_date::timestamp
            and sizes.valid_from_at < scopes.full_date::timestamp + interval 1 day
),

instants as (
    select
        scope_number,
        happened_at,
        sum(delta_count) as delta_count
    from changes
    group by scope_number, happened_at
),

levels as (
    select
        scope_number,
        happened_at,
        sum(delta_count) over days as used_count,
        lead(happened_at) over days as next_happened_at
    from instants
    window days as (
        partition by scope_number
        order by happened_at
    )
),

-- Only where it may be full at all: most instants of most days are not.
smallest_by_scope as (
    select
        scopes.scope_number,
        smallest_sizes.size_count - largest_needs.need_count as safe_count
    from scopes
    inner join smallest_sizes using (cluster, limit_kind, limit_name)
    inner join largest_needs using (cluster, limit_kind, limit_name)
),

high_levels as (
    select levels.*
    from levels
    inner join smallest_by_scope using (scope_number)
    where levels.used_count > smallest_by_scope.safe_count
),

full_levels as (
    select
        scopes.cluster,
        scopes.limit_kind,
        scopes.limit_name,
        scopes.limit_run_id,
        scopes.full_date,
        needs.need_count,
        sizes.size_count,
        high_levels.happened_at as began_at,
        least(
            coalesce(high_levels.next_happened_at, scopes.full_date::timestamp + interval 1 day),
            clusters.observed_at
        ) as ended_at
    from high_levels
    inner join scopes using (scope_number)
    inner join needs
        on
            scopes.cluster = needs.cluster
            and scopes.limit_kind = needs.limit_kind
            and scopes.limit_name = needs.limit_name
    inner join sizes
        on
            scopes.cluster = sizes.cluster
            and scopes.limit_kind = sizes.limit_kind
            and scopes.limit_name = sizes.limit_name
            and high_levels.happened_at >= sizes.valid_from_at
            and high_levels.happened_at < sizes.valid_until_at
    inner join clusters on scopes.cluster = clusters.cluster
    where high_levels.used_count + needs.need_count > sizes.size_count
),

islands as (
    select
        *,
        coalesce(
            began_at > lag(ended_at) over islands
            or size_count <> lag(size_count) over islands,
            true
        ) as is_new
    from full_levels
    where began_at < ended_at
    window islands as (
        partition by cluster, limit_kind, limit_name, limit_run_id, full_date, need_count
        order by began_at
    )
),

numbered as (
    select
        *,
        count(*) filter (where is_new) over (
            partition by cluster, limit_kind, limit_name, limit_run_id, full_date, need_count
            order by began_at
        ) as island_number
    from islands
)

select
    cluster,
    limit_kind,
    limit_name,
    limit_run_id,
    full_date,
    need_count,
    size_count,

    min(began_at) as began_at,
    max(ended_at) as ended_at
from numbered
group by
    cluster,
    limit_kind,
    limit_name,
    limit_run_id,
    full_date,
    need_count,
    size_count,
    island_number
