-- Days on which some limit of a cluster may have been fuller or emptier than the last build thought: those
-- of tries that landed since, and those from the last look to this one, through which open tries held on.
{{ config(
    materialized='table',
    meta={'variables': {'limits_from_at': 'cast(min(full_date) as timestamp)'}},
) }}

with built as (
    select {{ built_load_number() }} as load_number
),

clusters as (
    select * from {{ ref('int_changes__clusters') }}
),

built_clusters as (
    {{ built_clusters() }}
),

changed_tries as (
    select
        nodes.cluster,
        least(tries.queued_at, tries.started_at) as from_at,
        case
            when tries.ended_at is null then clusters.observed_at
            -- it was taken for alive until somebody noticed
            when tries.was_lost
                then greatest(tries.ended_at, coalesce(before.observed_at, tries.ended_at))
            else tries.ended_at
        end as until_at
    from {{ ref('int_attempts__tries') }} as tries
    inner join {{ ref('int_attempts__instances') }} as nodes
        on tries.node_number = nodes.node_number
    inner join clusters on nodes.cluster = clusters.cluster
    -- a cluster that is new
    left join built_clusters as before on nodes.cluster = before.cluster
    where
        tries.newest_load_number > (select built.load_number from built)
        or nodes.newest_load_number > (select built.load_number from built)
),

-- Queued, and no try of it began yet.
queued_instances as (
    select
        nodes.cluster,
        nodes.queued_at as from_at,
        clusters.observed_at as until_at
    from {{ ref('int_attempts__instances') }} as nodes
    inner join clusters on nodes.cluster = clusters.cluster
    where
        nodes.state = 'queued'
        and nodes.newest_load_number > (select built.load_number from built)
),

looks as (
    select
        clusters.cluster,
        coalesce(before.observed_at, clusters.observed_at) as from_at,
        clusters.observed_at as until_at
    from clusters
    -- a cluster that is new
    left join built_clusters as before on clusters.cluster = before.cluster
),

spans as (
    select distinct
        cluster,
        date_trunc('day', from_at)::date as from_date,
        date_trunc('day', until_at)::date as until_date
    from changed_tries
    where from_at <= until_at
    union
    select
        cluster,
        date_trunc('day', from_at)::date as from_date,
        date_trunc('day', until_at)::date as until_date
    from queued_instances
    where from_at <= until_at
    union
    select
        cluster,
        date_trunc('day', from_at)::date as from_date,
        date_trunc('day', until_at)::date as until_date
    from looks
)

select distinct
    cluster,
    cast(unnest(generate_series(from_date, until_date, interval 1 day)) as date) as full_date
from spans
