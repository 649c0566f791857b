-- Instances that never ran are walked through. Their gate (docs/critical_path.md, section 3) and their
-- effective end are found here, so that the walk itself looks at runs' own rules alone.
{{ config(materialized='table') }}

with recursive nodes as (
    select * from {{ ref('int_critical_path__nodes') }}
),

edges as (
    select * from {{ ref('int_critical_path__edges') }}
),

hidden as (
    select * from nodes
    where not has_run and is_final
),

pairs as (
    select
        hidden.node_number,
        hidden.state,
        hidden.trigger_rule,
        hidden.stamped_at,
        upstream.node_number as upstream_number,
        upstream.state as upstream_state,
        upstream.has_run as upstream_has_run,
        upstream.first_started_at as upstream_started_at,
        upstream.stamped_at as upstream_stamped_at,
        upstream.tie_break_number
    from hidden
    inner join edges
        on
            hidden.structure_number = edges.structure_number
            and hidden.task_number = edges.downstream_task_number
    inner join nodes as upstream
        on
            hidden.run_number = upstream.run_number
            and edges.upstream_task_number = upstream.task_number
            and {{ waits_for_index('edges', 'upstream', 'hidden') }}
),

-- What has no stamp takes the latest of the instances above it.
reached as (
    select
        node_number,
        upstream_number,
        upstream_stamped_at
    from pairs
    where stamped_at is null
    union
    select
        reached.node_number,
        pairs.upstream_number,
        pairs.upstream_stamped_at
    from reached
    inner join pairs on reached.upstream_number = pairs.node_number
    where reached.upstream_stamped_at is null
),

borrowed_stamps as (
    select
        node_number,
        max(upstream_stamped_at) as stamped_at
    from reached
    group by node_number
),

ranked_pairs as (
    select
        pairs.node_number,
        pairs.state,
        pairs.trigger_rule,
        pairs.upstream_number,
        pairs.upstream_state,
        pairs.upstream_state = 'skipped' and not pairs.upstream_has_run as is_hidden_skip,
        coalesce(pairs.stamped_at, own.stamped_at) as stamped_at,
        coalesce(pairs.upstream_stamped_at, above.stamped_at) as upstream_stamped_at,
        pairs.upstream_has_run
        and coalesce(pairs.stamped_at, own.stamped_at)
        between pairs.upstream_started_at and pairs.upstream_stamped_at as is_skipper,
        {{ path_order_key(
            'epoch_us(coalesce(pairs.upstream_stamped_at, above.stamped_at))', 'pairs'
        ) }} as latest_key,
        {{ path_order_key(
            '-epoch_us(coalesce(pairs.upstream_stamped_at, above.stamped_at))', 'pairs'
        ) }} as earliest_key
    from pairs
    -- only what has no stamp of its own
    left join borrowed_stamps as own on pairs.node_number = own.node_number
    left join borrowed_stamps as above on pairs.upstream_number = above.node_number
    where coalesce(pairs.upstream_stamped_at, above.stamped_at) is not null
),

candidates as (
    select
        node_number,
        any_value(state) as state,
        any_value(trigger_rule) as trigger_rule,
        arg_max(upstream_number, latest_key) as latest_number,
        arg_max(upstream_number, earliest_key) filter (
            where upstream_state in ('failed', 'upstream_failed')
        ) as first_failed_number,
        arg_max(upstream_number, earliest_key) filter (
            where is_hidden_skip and upstream_stamped_at < stamped_at
        ) as first_earlier_skip_number,
        arg_max(upstream_number, earliest_key) filter (where is_skipper) as skipper_number,
        arg_max(upstream_number, earliest_key) filter (where is_hidden_skip) as first_skip_number
    from ranked_pairs
    group by node_number
),

gates as (
    select
        node_number,
        case
            when state = 'upstream_failed' then coalesce(first_failed_number, latest_number)
            when state = 'skipped' and trigger_rule in ('all_success', 'none_skipped')
                then coalesce(
                    first_earlier_skip_number, skipper_number, first_skip_number, latest_number
                )
            when state = 'skipped' then coalesce(skipper_number, latest_number)
            else latest_number
        end as gate_number
    from candidates
),

stamped as (
    select
        hidden.node_number,
        coalesce(hidden.stamped_at, borrowed_stamps.stamped_at) as stamped_at,
        gates.gate_number
    from hidden
    -- only what has no stamp of its own
    left join borrowed_stamps on hidden.node_number = borrowed_stamps.node_number
    -- nothing above it, or nothing that ended
    left join gates on hidden.node_number = gates.node_number
),

-- Along the gates to the first instance that ran: never earlier than any of them.
chains as (
    select
        node_number,
        gate_number,
        stamped_at as ended_at
    from stamped
    -- distinct: instances of mixed DAG versions may gate each other in a circle
    union
    select
        chains.node_number,
        above.gate_number,
        coalesce(above.stamped_at, ran.stamped_at) as ended_at
    from chains
    inner join nodes as ran on chains.gate_number = ran.node_number
    left join stamped as above on chains.gate_number = above.node_number
),

effective_ends as (
    select
        node_number,
        max(ended_at) as effective_end_at
    from chains
    group by node_number
)

select
    stamped.node_number,
    stamped.gate_number,
    effective_ends.effective_end_at
from stamped
inner join effective_ends on stamped.node_number = effective_ends.node_number
