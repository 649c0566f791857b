-- How long each step waited while a limit that applies to it was full: per limit by the difference of two
-- running totals of full seconds (no join of waits with periods), and where more than one was full, the
-- union of their periods, so that no second is charged twice.
{{ config(materialized='table') }}

with steps as (
    select
        row_number() over () as window_number,
        *,
        ready_at + to_microseconds(cast(round(past_run_wait_seconds * 1000000) as bigint))
            as wait_from_at,
        queued_at as wait_until_at
    from {{ ref('int_limits__steps') }}
    where queued_at is not null and not is_scheduler_made
),

full_limits as (
    select distinct
        cluster,
        limit_kind,
        limit_name,
        limit_run_id
    from {{ ref('fct_limit_full_periods') }}
),

windows as (
    {% for kind, name, scope, need in [
        ('pool', 'pool', "''", 'coalesce(pool_slot_count, 1)'),
        ('max_active_tasks', 'dag_id', "''", '1'),
        ('max_active_tasks', 'dag_id', 'run_id', '1'),
        ('max_active_tis_per_dag', "dag_id || '.' || task_id", "''", '1'),
        ('max_active_tis_per_dagrun', "dag_id || '.' || task_id", 'run_id', '1'),
        ('parallelism', 'cluster', "''", '1'),
    ] -%}
    select
        window_number,
        cluster,
        '{{ kind }}' as limit_kind,
        {{ name }} as limit_name,
        {{ scope }} as limit_run_id,
        {{ need }}::bigint as need_count,
        wait_from_at,
        wait_until_at
    from steps
    where
        wait_from_at < wait_until_at
        and (cluster, {{ name }}, {{ scope }}) in (
            select
                full_limits.cluster,
                full_limits.limit_name,
                full_limits.limit_run_id
            from full_limits
            where full_limits.limit_kind = '{{ kind }}'
        )
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

periods as (
    select
        *,
        -- whole microseconds: sums of seconds would leave dust that looks like a wait
        sum(epoch_us(ended_at) - epoch_us(began_at)) over (
            partition by cluster, limit_kind, limit_name, limit_run_id, need_count
            order by began_at
            rows between unbounded preceding and 1 preceding
        )::bigint as full_before_us
    from {{ ref('fct_limit_full_periods') }}
),

begins as (
    select
        windows.*,
        coalesce(
            coalesce(periods.full_before_us, 0)
            + epoch_us(least(windows.wait_from_at, periods.ended_at)) - epoch_us(periods.began_at),
            0
        ) as full_before_us
    from windows
    asof left join periods
        on
            windows.cluster = periods.cluster
            and windows.limit_kind = periods.limit_kind
            and windows.limit_name = periods.limit_name
            and windows.limit_run_id = periods.limit_run_id
            and windows.need_count = periods.need_count
            and windows.wait_from_at >= periods.began_at
),

charged as (
    select
        begins.*,
        coalesce(periods.full_before_us, 0)
        + epoch_us(least(begins.wait_until_at, periods.ended_at)) - epoch_us(periods.began_at)
        - begins.full_before_us as wait_us
    from begins
    asof join periods
        on
            begins.cluster = periods.cluster
            and begins.limit_kind = periods.limit_kind
            and begins.limit_name = periods.limit_name
            and begins.limit_run_id = periods.limit_run_id
            and begins.need_count = periods.need_count
            and begins.wait_until_at >= periods.began_at
),

waits as (
    select *
    from charged
    where wait_us > 0
),

counted as (
    select
        window_number,
        count(*) as limit_count,
        sum(wait_us) as wait_us,
        arg_max(limit_kind || ':' || limit_name, struct_pack(
            wait_us := wait_us,
            -- in the order in which a scheduler asks, when two were full as long
            order_number := case limit_kind
                when 'pool' then 5
                when 'max_active_tasks' then 4
                when 'max_active_tis_per_dag' then 3
                when 'max_active_tis_per_dagrun' then 2
                else 1
            end
        )) as limited_by
    from waits
    group by window_number
),

shared_periods as (
    select
        waits.window_number,
        greatest(waits.wait_from_at, periods.began_at) as from_at,
        least(waits.wait_until_at, periods.ended_at) as until_at
    from waits
    inner join counted
        on waits.window_number = counted.window_number and counted.limit_count > 1
    inner join periods
        on
            waits.cluster = periods.cluster
            and waits.limit_kind = periods.limit_kind
            and waits.limit_name = periods.limit_name
            and waits.limit_run_id = periods.limit_run_id
            and waits.need_count = periods.need_count
            and waits.wait_from_at < periods.ended_at
            and waits.wait_until_at > periods.began_at
),

uncovered as (
    select
        window_number,
        until_at,
        greatest(
            from_at,
            coalesce(
                max(until_at) over (
                    partition by window_number
                    order by from_at, until_at
                    rows between unbounded preceding and 1 preceding
                ),
                from_at
            )
        ) as from_at
    from shared_periods
),

unions as (
    select
        window_number,
        sum(greatest(0, epoch_us(until_at) - epoch_us(from_at))) as wait_us
    from uncovered
    group by window_number
)

select
    steps.cluster,
    steps.dag_id,
    steps.run_id,
    steps.path_kind,
    steps.step_number,

    counted.limited_by,

    coalesce(unions.wait_us, counted.wait_us) / 1000000.0 as limit_wait_seconds
from counted
inner join steps on counted.window_number = steps.window_number
-- only where more than one limit was full
left join unions on counted.window_number = unions.window_number
