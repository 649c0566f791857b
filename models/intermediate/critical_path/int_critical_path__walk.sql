-- The observed path, backwards: from the instance that ended last (and the failed one that ended last)
-- from gate to gate. One row per step of the walk and no enumeration of paths: predecessors are looked
-- up for the instances on the path alone (joining them for all instances took three times as long).
{{ config(materialized='table') }}

with recursive ends as (
    select
        ends.*,
        if(past_gates.node_number is null, ends.gate_rule, 'none') as walk_rule
    from {{ ref('int_critical_path__ends') }} as ends
    -- where the path leaves the run
    left join {{ ref('int_critical_path__past_gates') }} as past_gates
        on ends.node_number = past_gates.node_number
    where ends.effective_end_at is not null
),

edges as (
    select * from {{ ref('int_critical_path__edges') }}
),

inferred_gates as (
    select * from {{ ref('int_critical_path__inferred_gates') }}
    where gate_number is not null
),

failed_runs as (
    select run_number
    from {{ ref('int_runs__windows') }}
    where state = 'failed'
),

-- Instances of mixed DAG versions, or a structure with a cycle, could lead the walk in a circle.
run_sizes as (
    select
        run_number,
        count(*) as node_count
    from ends
    group by run_number
),

mixed_runs as (
    select run_number
    from ends
    group by run_number
    having min(structure_number) <> max(structure_number)
    union
    select ends.run_number
    from ends
    where ends.structure_number in (
        select structure_number from {{ ref('int_structures__tasks') }} where is_in_cycle
    )
),

starts as (
    select
        run_number,
        'finish' as path_kind,
        arg_max(
            node_number, {{ path_order_key('epoch_us(effective_end_at)', 'ends') }}
        ) as node_number
    from ends
    where state is distinct from 'removed' and (structure_number is not null or has_run)
    group by run_number
    union all
    select
        run_number,
        'failure' as path_kind,
        arg_max(
            node_number, {{ path_order_key('epoch_us(effective_end_at)', 'ends') }}
        ) as node_number
    from ends
    where
        state = 'failed'
        and (structure_number is not null or has_run)
        and run_number in (select failed_runs.run_number from failed_runs)
    group by run_number
),

walk as (
    select
        starts.run_number,
        starts.path_kind,
        0 as hop_number,
        ends.node_number,
        ends.structure_number,
        ends.task_number,
        ends.map_index,
        ends.walk_rule,
        ends.hidden_gate_number,
        run_sizes.node_count
    from starts
    inner join ends on starts.node_number = ends.node_number
    inner join run_sizes on starts.run_number = run_sizes.run_number
    union all
    select
        found.run_number,
        found.path_kind,
        found.hop_number,
        found.upstream.node_number,
        found.upstream.structure_number,
        found.upstream.task_number,
        found.upstream.map_index,
        found.upstream.walk_rule,
        found.upstream.hidden_gate_number,
        found.node_count
    from (
        select
            walk.run_number,
            walk.path_kind,
            walk.hop_number + 1 as hop_number,
            any_value(walk.node_count) as node_count,
            arg_max(
                struct_pack(
                    node_number := upstream.node_number,
                    structure_number := upstream.structure_number,
                    task_number := upstream.task_number,
                    map_index := upstream.map_index,
                    walk_rule := upstream.walk_rule,
                    hidden_gate_number := upstream.hidden_gate_number
                ),
                {{ path_order_key(
                    "if(walk.walk_rule in ('latest', 'hidden'), 1, -1)"
                    ~ " * epoch_us(upstream.effective_end_at)",
                    'upstream'
                ) }}
            ) as upstream
        from walk
        inner join edges
            on
                walk.structure_number = edges.structure_number
                and walk.task_number = edges.downstream_task_number
        inner join ends as upstream
            on
                walk.run_number = upstream.run_number
                and edges.upstream_task_number = upstream.task_number
                and {{ waits_for_index('edges', 'upstream', 'walk') }}
        where
            walk.hop_number + 1 < walk.node_count
            and case walk.walk_rule
                when 'latest' then true
                when 'hidden' then walk.hidden_gate_number = upstream.node_number
                when 'one_success' then upstream.state = 'success'
                when 'one_failed' then upstream.state in ('failed', 'upstream_failed')
                when 'one_done' then upstream.state in ('success', 'failed')
                else false
            end
        group by walk.run_number, walk.path_kind, walk.hop_number
    ) as found
),

-- Without a structure the gates are known from time alone.
inferred_walk as (
    select
        walk.run_number,
        walk.path_kind,
        walk.hop_number,
        walk.node_number
    from walk
    where walk.structure_number is null
    union all
    select
        inferred_walk.run_number,
        inferred_walk.path_kind,
        inferred_walk.hop_number + 1,
        inferred_gates.gate_number
    from inferred_walk
    inner join inferred_gates on inferred_walk.node_number = inferred_gates.node_number
),

whole_walk as (
    select
        run_number,
        path_kind,
        hop_number,
        node_number
    from walk
    where structure_number is not null
    union all
    select
        run_number,
        path_kind,
        hop_number,
        node_number
    from inferred_walk
),

visits as (
    select
        whole_walk.*,
        row_number() over (
            partition by whole_walk.run_number, whole_walk.path_kind, whole_walk.node_number
            order by whole_walk.hop_number
        ) as visit_number
    from whole_walk
    semi join mixed_runs using (run_number)
),

-- Where a walk comes to an instance for the second time it ends.
circles as (
    select
        run_number,
        path_kind,
        min(hop_number) as hop_number
    from visits
    where visit_number > 1
    group by run_number, path_kind
)

select
    whole_walk.run_number,
    whole_walk.path_kind,
    whole_walk.hop_number,
    whole_walk.node_number
from whole_walk
-- hardly any walk goes in a circle
left join circles
    on
        whole_walk.run_number = circles.run_number
        and whole_walk.path_kind = circles.path_kind
where circles.hop_number is null or whole_walk.hop_number < circles.hop_number
