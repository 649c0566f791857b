-- Runs whose links are made anew: those of the worklist, those that wait for one of it or were started by
-- one of it, and those of which another try is now known to have started them.
{{ config(materialized='table') }}

{%- set built_links = built_mart('fct_run_links') %}

with built as (
    select {{ built_load_number() }} as load_number
),

touched as (
    select
        cluster,
        dag_id,
        run_id
    from {{ ref('int_changes__runs') }}
),

touched_dates as (
    select distinct
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.logical_at
    from {{ ref('stg_airflow_db__dag_runs') }} as dag_runs
    semi join touched using (cluster, dag_id, run_id)
),

waiting as (
    select
        sensors.cluster,
        sensors.dag_id,
        sensors.run_id
    from {{ ref('int_links__sensors') }} as sensors
    inner join touched_dates
        on
            sensors.upstream_cluster = touched_dates.cluster
            and sensors.upstream_dag_id = touched_dates.dag_id
            and sensors.upstream_logical_at = touched_dates.logical_at
),

pairs as (
    select
        cluster,
        dag_id,
        run_id,
        trigger_dag_id,
        trigger_run_id,
        trigger_task_id,
        trigger_map_index,
        candidate_count
    from {{ ref('int_links__trigger_pairs') }}
),

{% if built_links -%}
built_pairs as (
    select
        cluster,
        dag_id,
        run_id,
        upstream_dag_id as trigger_dag_id,
        upstream_run_id as trigger_run_id,
        upstream_task_id as trigger_task_id,
        upstream_map_index as trigger_map_index,
        candidate_count
    from {{ built_links }}
    where link_kind = 'trigger'
),
{%- else -%}
built_pairs as (
    select * from pairs
    where false
),
{%- endif %}

changed_pairs as (
    (select * from pairs except select * from built_pairs)
    union
    (select * from built_pairs except select * from pairs)
    union
    select * from pairs
    where
        (cluster, dag_id, run_id) in (from touched)
        or (cluster, trigger_dag_id, trigger_run_id) in (from touched)
),

asset_links as (
    {% for kind in ['asset', 'dataset'] -%}
    select
        run_events.cluster,
        run_events.dag_id,
        run_events.run_id,
        events.upstream_dag_id,
        events.upstream_run_id,
        greatest(run_events.newest_load_number, events.newest_load_number) as newest_load_number
    from {{ ref('stg_airflow_db__run_' ~ kind ~ '_events') }} as run_events
    inner join {{ ref('stg_airflow_db__' ~ kind ~ '_events') }} as events
        on
            run_events.cluster = events.cluster
            and run_events.event_number = events.event_number
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
)

select
    cluster,
    dag_id,
    run_id
from touched
union
select
    cluster,
    dag_id,
    run_id
from waiting
union
select
    cluster,
    dag_id,
    run_id
from changed_pairs
union
-- who started it may have waited for its end
select
    cluster,
    trigger_dag_id as dag_id,
    trigger_run_id as run_id
from changed_pairs
where trigger_run_id is not null
union
select
    cluster,
    dag_id,
    run_id
from asset_links
where
    newest_load_number > (select built.load_number from built)
    or (cluster, upstream_dag_id, upstream_run_id) in (from touched)
