-- Chains in the order of time, each run with the stretch in which it was the one that everything after it
-- waited for. The stretches follow on one another without a gap.
{{ config(materialized='table') }}

with hops as (
    select
        *,
        max(hop_number) over (partition by cluster, dag_id, run_id) as last_hop_number,
        lead(until_at) over (
            partition by cluster, dag_id, run_id
            order by hop_number
        ) as handed_over_at,
        lag(upstream_cluster) over (
            partition by cluster, dag_id, run_id
            order by hop_number
        ) as waiting_cluster,
        lag(upstream_dag_id) over (
            partition by cluster, dag_id, run_id
            order by hop_number
        ) as waiting_dag_id,
        lag(upstream_run_id) over (
            partition by cluster, dag_id, run_id
            order by hop_number
        ) as waiting_run_id
    from {{ ref('int_links__hops') }}
),

chains as (
    select *
    from hops
    where last_hop_number > 0
)

select
    chains.cluster,
    chains.dag_id,
    chains.run_id,
    cast(chains.last_hop_number - chains.hop_number + 1 as bigint) as chain_number,

    chains.upstream_cluster,
    chains.upstream_dag_id,
    chains.upstream_run_id,
    chains.entry_task_id as upstream_task_id,
    chains.entry_map_index as upstream_map_index,
    links.link_kind,
    links.link_basis,
    links.task_id as waiting_task_id,
    links.map_index as waiting_map_index,
    links.asset_name,

    -- the first run of the chain has all from its start, or from when it was waited for and did not start
    coalesce(
        chains.handed_over_at,
        if(dag_runs.started_at < chains.until_at, dag_runs.started_at, chains.wait_began_at),
        chains.until_at
    ) as began_at,
    chains.until_at as ended_at,

    cast(chains.last_hop_number + 1 as bigint) as chain_step_count,
    {{ seconds_between('chains.wait_began_at', 'chains.until_at') }} as waited_seconds,
    links.detection_lag_seconds,

    chains.last_hop_number >= {{ var('chain_hop_count') }} as is_cut
from chains
inner join {{ ref('fct_dag_runs') }} as dag_runs
    on
        chains.upstream_cluster = dag_runs.cluster
        and chains.upstream_dag_id = dag_runs.dag_id
        and chains.upstream_run_id = dag_runs.run_id
-- nothing waits for the run that is asked about
left join {{ ref('fct_run_links') }} as links
    on
        chains.waiting_cluster = links.cluster
        and chains.waiting_dag_id = links.dag_id
        and chains.waiting_run_id = links.run_id
        and chains.link_number = links.link_number
