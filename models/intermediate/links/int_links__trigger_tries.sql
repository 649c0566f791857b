-- Tries of tasks that start runs of another DAG, kept from build to build: the run that one started may
-- land later.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__runs') }}

with specs as (
    select * from {{ ref('int_links__specs') }}
    where spec_kind = 'trigger'
)

select
    instances.cluster,
    instances.dag_id,
    instances.run_id,
    instances.task_id,
    instances.map_index,
    tries.try_number,

    specs.upstream_dag_id as trigger_dag_id,
    specs.version_key as structure_version_key,
    instances.state as wait_state,

    tries.busy_from_at as began_at,
    tries.busy_until_at as until_at,
    if(
        tries.try_rank = tries.recorded_try_count
        and instances.state not in ('success', 'failed', 'skipped', 'removed'),
        null,
        tries.ended_at
    ) as ended_at
from {{ ref('int_attempts__instances') }} as instances
inner join specs
    on
        instances.structure_number = specs.structure_number
        and instances.task_id = specs.task_id
inner join {{ ref('int_attempts__tries') }} as tries
    on instances.node_number = tries.node_number
