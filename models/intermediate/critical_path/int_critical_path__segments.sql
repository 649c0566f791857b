-- Listed steps with the stretch of the run that each may claim: from where its predecessor's ends to its
-- own end, cut so that no second is counted twice (docs/critical_path.md, section 5).
{{ config(materialized='table') }}
{%- set relevant = 'least(tries.busy_until_at, followed.path_ended_at)'
    ~ ' > coalesce(followed.earlier_ended_at, followed.path_started_at)' %}

with runs as (
    select
        run_number,
        path_started_at,
        path_ended_at
    from {{ ref('int_runs__windows') }}
),

listed as (
    select
        walk.run_number,
        walk.path_kind,
        walk.node_number,
        row_number() over (
            partition by walk.run_number, walk.path_kind
            order by walk.hop_number desc
        ) as step_number,
        runs.path_started_at,
        runs.path_ended_at,
        least(greatest(nodes.stamped_at, runs.path_started_at), runs.path_ended_at) as step_ended_at
    from {{ ref('int_critical_path__walk') }} as walk
    inner join {{ ref('int_critical_path__nodes') }} as nodes
        on walk.node_number = nodes.node_number
    inner join runs on walk.run_number = runs.run_number
    where nodes.has_run
),

followed as (
    select
        *,
        lag(step_ended_at) over steps as earlier_ended_at,
        lead(node_number) over steps is null as is_last
    from listed
    window steps as (partition by run_number, path_kind order by step_number)
),

-- Tries that ended before the predecessor did belong to an earlier pass over the graph.
tries as (
    select
        followed.run_number,
        followed.path_kind,
        followed.step_number,
        tries.busy_from_at as first_busy_from_at,
        tries.try_rank as first_try_rank
    from followed
    inner join {{ ref('int_attempts__tries') }} as tries
        on followed.node_number = tries.node_number
    where tries.is_only
    union all
    select
        followed.run_number,
        followed.path_kind,
        followed.step_number,
        coalesce(
            min(tries.busy_from_at) filter (where {{ relevant }}),
            min(tries.busy_from_at)
        ) as first_busy_from_at,
        coalesce(
            min(tries.try_rank) filter (where {{ relevant }}),
            min(tries.try_rank)
        ) as first_try_rank
    from followed
    inner join {{ ref('int_attempts__tries') }} as tries
        on followed.node_number = tries.node_number
    where not tries.is_only
    group by followed.run_number, followed.path_kind, followed.step_number
),

begun as (
    select
        followed.*,
        tries.first_try_rank,
        least(
            greatest(tries.first_busy_from_at, followed.path_started_at), followed.path_ended_at
        ) as first_busy_from_at,
        if(
            followed.step_number = 1,
            followed.path_started_at,
            least(
                followed.earlier_ended_at,
                greatest(tries.first_busy_from_at, followed.path_started_at)
            )
        ) as own_begin_at
    from followed
    inner join tries
        on
            followed.run_number = tries.run_number
            and followed.path_kind = tries.path_kind
            and followed.step_number = tries.step_number
),

cut as (
    select
        *,
        min(own_begin_at) over (
            partition by run_number, path_kind
            order by step_number
            rows between current row and unbounded following
        ) as segment_began_at
    from begun
)

select
    run_number,
    path_kind,
    step_number,
    node_number,
    first_try_rank,

    path_started_at,
    path_ended_at,
    segment_began_at,
    greatest(
        if(
            is_last,
            step_ended_at,
            lead(segment_began_at) over (
                partition by run_number, path_kind
                order by step_number
            )
        ),
        segment_began_at
    ) as segment_ended_at,
    greatest(first_busy_from_at, segment_began_at) as first_busy_from_at,

    is_last
from cut
