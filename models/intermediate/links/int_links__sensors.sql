-- Instances that waited for a run of another DAG, and what they looked for; kept from build to build, so
-- that a run that lands later is found without a look at all instances. What a company wrote in the seed
-- comes before what the DAG says.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__runs') }}

with specs as (
    select * from {{ ref('int_links__specs') }}
    where spec_kind = 'sensor'
),

cross_cluster_links as (
    select * from {{ ref('cross_cluster_links') }}
),

structures as (
    select
        structure_number,
        version_key
    from {{ ref('int_structures__versions') }}
),

named as (
    select
        instances.node_number,
        'seed' as link_basis,
        links.upstream_cluster,
        links.upstream_dag_id,
        if(nullif(links.upstream_task_id, '') is null, null, [links.upstream_task_id])
            as upstream_task_ids,
        null::varchar as upstream_task_group_id,
        coalesce(links.logical_delta_seconds, 0) as logical_delta_seconds,
        false as is_own_run
    from {{ ref('int_attempts__instances') }} as instances
    inner join cross_cluster_links as links
        on
            instances.cluster = links.cluster
            and instances.dag_id = links.dag_id
            and instances.task_id = links.task_id
    union all
    select
        instances.node_number,
        'logical_date' as link_basis,
        instances.cluster as upstream_cluster,
        specs.upstream_dag_id,
        specs.upstream_task_ids,
        specs.upstream_task_group_id,
        specs.logical_delta_seconds,
        specs.is_own_run
    from {{ ref('int_attempts__instances') }} as instances
    inner join specs
        on
            instances.structure_number = specs.structure_number
            and instances.task_id = specs.task_id
    where (instances.cluster, instances.dag_id, instances.task_id) not in (
        select
            links.cluster,
            links.dag_id,
            links.task_id
        from cross_cluster_links as links
    )
),

-- Retries of a sensor are one wait; what lies before the run's (rewritten) start belongs to an earlier
-- pass over the graph.
first_looks as (
    select
        tries.node_number,
        min(tries.busy_from_at) as began_at
    from {{ ref('int_attempts__tries') }} as tries
    inner join {{ ref('int_attempts__instances') }} as instances
        on tries.node_number = instances.node_number
    where
        tries.node_number in (select named.node_number from named)
        and tries.busy_until_at >= instances.path_started_at
    group by tries.node_number
)

select
    instances.cluster,
    instances.dag_id,
    instances.run_id,
    instances.task_id,
    instances.map_index,

    named.link_basis,
    instances.state as wait_state,
    structures.version_key as structure_version_key,
    named.upstream_cluster,
    named.upstream_dag_id,
    named.upstream_task_ids,
    named.upstream_task_group_id,

    if(
        named.is_own_run,
        null,
        -- 3.x looks for a run's due time where it has no logical date
        coalesce(dag_runs.logical_at, dag_runs.due_at)
        - to_microseconds(cast(round(named.logical_delta_seconds * 1000000) as bigint))
    ) as upstream_logical_at,
    coalesce(first_looks.began_at, summaries.started_at) as wait_began_at,
    if(instances.state in ('success', 'failed', 'skipped', 'removed'), summaries.ended_at, null)
        as wait_ended_at,

    -- what a person marked did not find what it looked for
    coalesce(instances.state = 'success', false)
    and not coalesce(summaries.was_marked_success, false) as was_satisfied
from named
inner join {{ ref('int_attempts__instances') }} as instances
    on named.node_number = instances.node_number
inner join {{ ref('int_attempts__summaries') }} as summaries
    on named.node_number = summaries.node_number and summaries.has_run
-- instances of 1.10 without a run have a logical date only there
inner join {{ ref('stg_airflow_db__dag_runs') }} as dag_runs
    on
        instances.cluster = dag_runs.cluster
        and instances.dag_id = dag_runs.dag_id
        and instances.run_id = dag_runs.run_id
-- nothing ran since the run's start
left join first_looks on named.node_number = first_looks.node_number
-- the seed may name a task whose structure nobody saw
left join structures on instances.structure_number = structures.structure_number
