-- Why was my run late, in one path through all runs that held it up. Made anew by run.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__chain_runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__chain_runs') }}

with chains as (
    select * from {{ ref('int_links__chains') }}
),

loads as (
    select max(newest_load_number) as load_number
    from {{ ref('int_changes__clusters') }}
)

select
    chains.cluster,
    chains.dag_id,
    chains.run_id,
    chains.chain_number,

    chains.upstream_cluster,
    chains.upstream_dag_id,
    chains.upstream_run_id,
    chains.upstream_task_id,
    chains.upstream_map_index,
    chains.link_kind,
    chains.link_basis,
    chains.waiting_task_id,
    chains.waiting_map_index,
    chains.asset_name,

    chains.began_at,
    chains.ended_at,

    chains.chain_step_count,
    cast({{ seconds_between('chains.began_at', 'chains.ended_at') }} as double) as own_seconds,
    cast(chains.waited_seconds as double) as waited_seconds,
    chains.detection_lag_seconds,

    chains.is_cut,
    loads.load_number as newest_load_number
from chains
cross join loads
