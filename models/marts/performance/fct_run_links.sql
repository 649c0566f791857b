-- What a run waited for in other runs, or which run made it start. Made anew by run.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__link_runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__link_runs') }}

with links as (
    select * from {{ ref('int_links__numbered') }}
),

loads as (
    select max(newest_load_number) as load_number
    from {{ ref('int_changes__clusters') }}
)

select
    links.cluster,
    links.dag_id,
    links.run_id,
    links.link_number,

    links.link_kind,
    links.link_basis,
    links.task_id,
    links.map_index,
    links.wait_state,
    links.structure_version_key,
    links.path_step_number,
    links.upstream_cluster,
    links.upstream_dag_id,
    links.upstream_run_id,
    links.upstream_task_ids,
    links.upstream_task_group_id,
    links.upstream_task_id,
    links.upstream_map_index,
    links.upstream_path_step_number,
    links.asset_name,

    links.upstream_logical_at,
    links.wait_began_at,
    links.wait_ended_at,
    links.external_ended_at,

    links.candidate_count,
    cast(links.detection_lag_seconds as double) as detection_lag_seconds,

    loads.load_number as newest_load_number
from links
cross join loads
