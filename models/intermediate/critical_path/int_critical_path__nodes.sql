-- Instances of touched runs as the path sees them (docs/critical_path.md, section 1): which ran, when each
-- ended, by which rule it was started.
{{ config(materialized='table') }}

with instances as (
    select * from {{ ref('int_attempts__instances') }}
    where path_started_at is not null
),

tries as (
    select
        node_number,
        busy_from_at as first_started_at,
        busy_until_at as last_busy_until_at,
        may_miss_tries and try_number > 1 as has_missing_tries,
        has_clock_skew,
        was_lost,
        was_lost as was_last_lost
    from {{ ref('int_attempts__tries') }}
    where is_only
    union all
    select
        node_number,
        min(busy_from_at) as first_started_at,
        max(busy_until_at) as last_busy_until_at,
        max(try_number) > count(*) and bool_or(may_miss_tries) as has_missing_tries,
        bool_or(has_clock_skew) as has_clock_skew,
        bool_or(was_lost) as was_lost,
        arg_max(was_lost, try_rank) as was_last_lost
    from {{ ref('int_attempts__tries') }}
    where not is_only
    group by node_number
),

tasks as (
    select * from {{ ref('int_structures__tasks') }}
),

dated as (
    select
        instances.*,
        tries.first_started_at,
        tries.last_busy_until_at,
        tries.has_clock_skew,
        tries.was_lost,
        coalesce(tries.was_last_lost, false) as was_last_lost,
        coalesce(tries.has_missing_tries, false) as has_missing_tries,
        coalesce(instances.state, 'none') in (
            'success', 'failed', 'skipped', 'upstream_failed', 'removed'
        ) as is_final,
        tries.node_number is not null
        and {{ has_begun('instances.state', 'instances.was_picked_up', 'instances.may_be_empty') }}
            as has_run,
        coalesce(tasks.trigger_rule, 'all_success') as trigger_rule,
        coalesce(tasks.depth_index, 0) as depth_index,
        coalesce(tasks.depends_on_past, false) as depends_on_past,
        coalesce(tasks.wait_for_downstream, false) as wait_for_downstream
    from instances
    -- never ran
    left join tries on instances.node_number = tries.node_number
    -- removed tasks are in no structure
    left join tasks
        on
            instances.structure_number = tasks.structure_number
            and instances.task_id = tasks.task_id
)

select
    dated.node_number,
    dated.run_number,
    dated.structure_number,
    task_numbers.task_number,
    dated.map_index,

    dated.task_id,
    dated.state,
    dated.trigger_rule,
    dated.structure_basis,

    dated.first_started_at,
    case
        when dated.has_run and not dated.is_final then dated.path_ended_at
        when dated.has_run and dated.was_last_lost then dated.last_busy_until_at
        -- later than the last try's end when the next one failed before it began
        when dated.has_run then greatest(dated.last_busy_until_at, dated.ended_at)
        when dated.is_final then dated.ended_at
    end as stamped_at,
    dated.path_started_at,
    dated.path_ended_at,

    least(dated.depth_index, 65535)::ubigint * 281474976710656::ubigint
    + (16777215 - least(task_numbers.task_number, 16777215))::ubigint * 16777216::ubigint
    + (16777214 - least(dated.map_index, 16777214))::ubigint as tie_break_number,

    dated.has_run,
    dated.is_final,
    dated.is_sensor,
    dated.has_missing_tries,
    coalesce(dated.has_clock_skew, false) as has_clock_skew,
    coalesce(dated.was_lost, false) as was_lost,
    dated.depends_on_past,
    dated.wait_for_downstream
from dated
inner join {{ ref('int_critical_path__task_numbers') }} as task_numbers
    on
        dated.cluster = task_numbers.cluster
        and dated.dag_id = task_numbers.dag_id
        and dated.task_id = task_numbers.task_id
