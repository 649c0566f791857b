-- All links of the runs whose links are made anew, whatever their kind, in one shape.
{{ config(materialized='table') }}

with link_runs as (
    select
        cluster,
        dag_id,
        run_id
    from {{ ref('int_changes__link_runs') }}
),

pairs as (
    select * from {{ ref('int_links__trigger_pairs') }}
),

asset_events as (
    {% for kind in ['asset', 'dataset'] -%}
    select
        run_events.cluster,
        run_events.dag_id,
        run_events.run_id,
        events.event_number,
        events.upstream_dag_id,
        events.upstream_run_id,
        events.upstream_task_id,
        coalesce(events.upstream_map_index, -1) as upstream_map_index,
        assets.asset_name,
        events.happened_at
    from {{ ref('stg_airflow_db__run_' ~ kind ~ '_events') }} as run_events
    semi join link_runs using (cluster, dag_id, run_id)
    inner join {{ ref('stg_airflow_db__' ~ kind ~ '_events') }} as events
        on
            run_events.cluster = events.cluster
            and run_events.event_number = events.event_number
    -- an asset that was deleted
    left join {{ ref('stg_airflow_db__' ~ kind ~ 's') }} as assets
        on events.cluster = assets.cluster and events.asset_number = assets.asset_number
    -- an upgrade to 3.0 renames the tables, so that a cluster may have landed from both
    {% if not loop.last %}union{% endif %}
    {% endfor -%}
),

-- The scheduler made the run when the last update had come; it did not wait for the others any longer.
last_events as (
    select
        asset_events.*,
        if(
            row_number() over (
                partition by asset_events.cluster, asset_events.dag_id, asset_events.run_id
                order by asset_events.happened_at desc, asset_events.event_number desc
            ) = 1
            and not dag_runs.was_rerun,
            greatest(0, {{ seconds_between('asset_events.happened_at', 'dag_runs.queued_at') }}),
            null
        ) as detection_lag_seconds
    from asset_events
    inner join {{ ref('fct_dag_runs') }} as dag_runs
        on
            asset_events.cluster = dag_runs.cluster
            and asset_events.dag_id = dag_runs.dag_id
            and asset_events.run_id = dag_runs.run_id
)

select
    cluster,
    dag_id,
    run_id,
    'sensor' as link_kind,
    task_id,
    map_index,

    if(is_found, link_basis, 'unknown') as link_basis,
    wait_state,
    structure_version_key,
    upstream_cluster,
    upstream_dag_id,
    if(is_found, upstream_run_id, null) as upstream_run_id,
    upstream_task_ids,
    upstream_task_group_id,
    upstream_task_id,
    upstream_map_index,
    null::varchar as asset_name,
    null::bigint as event_number,

    upstream_logical_at,
    wait_began_at,
    wait_ended_at,
    external_ended_at,

    null::bigint as candidate_count,
    if(
        was_satisfied,
        greatest(0, {{ seconds_between('external_ended_at', 'wait_ended_at') }}),
        null
    ) as detection_lag_seconds
from {{ ref('int_links__awaited') }}
union all by name
select
    cluster,
    dag_id,
    run_id,
    'asset' as link_kind,
    'recorded' as link_basis,
    cluster as upstream_cluster,
    upstream_dag_id,
    upstream_run_id,
    if(upstream_task_id is null, null, [upstream_task_id]) as upstream_task_ids,
    upstream_task_id,
    if(upstream_task_id is null, null, upstream_map_index) as upstream_map_index,
    asset_name,
    event_number,
    happened_at as external_ended_at,
    detection_lag_seconds
from last_events
union all by name
select
    cluster,
    dag_id,
    run_id,
    'trigger' as link_kind,
    if(trigger_run_id is null, 'unknown', 'trigger_window') as link_basis,
    cluster as upstream_cluster,
    trigger_dag_id as upstream_dag_id,
    trigger_run_id as upstream_run_id,
    if(trigger_task_id is null, null, [trigger_task_id]) as upstream_task_ids,
    trigger_task_id as upstream_task_id,
    trigger_map_index as upstream_map_index,
    made_at as external_ended_at,
    candidate_count
from pairs
semi join link_runs using (cluster, dag_id, run_id)
union all by name
-- A task that starts a run and does not end before that run has waited for it (`wait_for_completion`); one
-- that does not wait ends within seconds.
select
    pairs.cluster,
    pairs.trigger_dag_id as dag_id,
    pairs.trigger_run_id as run_id,
    'completion' as link_kind,
    pairs.trigger_task_id as task_id,
    pairs.trigger_map_index as map_index,
    'trigger_window' as link_basis,
    pairs.trigger_state as wait_state,
    pairs.trigger_version_key as structure_version_key,
    pairs.cluster as upstream_cluster,
    pairs.dag_id as upstream_dag_id,
    pairs.run_id as upstream_run_id,
    pairs.made_at as wait_began_at,
    pairs.trigger_ended_at as wait_ended_at,
    pairs.run_ended_at as external_ended_at,
    pairs.candidate_count,
    {{ seconds_between('pairs.run_ended_at', 'pairs.trigger_ended_at') }} as detection_lag_seconds
from pairs
semi join link_runs
    on
        pairs.cluster = link_runs.cluster
        and pairs.trigger_dag_id = link_runs.dag_id
        and pairs.trigger_run_id = link_runs.run_id
where
    pairs.run_ended_at <= pairs.trigger_ended_at
    or (pairs.run_ended_at is null and pairs.trigger_ended_at is null)
