-- The worklist of a build: runs that changed since the last whole build, and no others. Every model of
-- runs reads its keys here, so that a refresh costs what changed. A run is listed when a row of it
-- landed, when it has not ended (its path so far grows with every load), when a structure landed that
-- it would be read with, or when older audit history came in.
{{ config(materialized='table') }}

with built as (
    select {{ built_load_number() }} as load_number
),

dag_runs as (
    select
        cluster,
        dag_id,
        run_id,
        run_kind,
        version_key,
        logical_at,
        started_at,
        ended_at,
        deleted_at,
        newest_load_number
    from {{ ref('stg_airflow_db__dag_runs') }}
),

structures as (
    select
        cluster,
        dag_id,
        version_key,
        first_seen_at,
        newest_load_number > (select built.load_number from built) as is_new
    from {{ ref('int_structures__versions') }}
),

changed_rows as (
    {% for model in [
        'stg_airflow_db__task_instances', 'stg_airflow_db__task_instance_history',
        'stg_airflow_db__replaced_task_instances', 'stg_airflow_db__task_reschedules',
        'stg_airflow_db__task_failures', 'stg_airflow_db__run_events',
    ] -%}
    select
        cluster,
        dag_id,
        run_id
    from {{ ref(model) }}
    where newest_load_number > (select built.load_number from built)
    union
    {% endfor -%}
    select
        cluster,
        dag_id,
        run_id
    from dag_runs
    where
        newest_load_number > (select built.load_number from built)
        or (ended_at is null and deleted_at is null)
),

-- Before 2.10 an audit event names its run by the logical date.
changed_events as (
    select
        cluster,
        dag_id,
        logical_at
    from {{ ref('stg_airflow_db__task_events') }}
    where
        run_id is null
        and newest_load_number > (select built.load_number from built)
    group by cluster, dag_id, logical_at
),

changed_by_events as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id
    from changed_events
    inner join dag_runs
        on
            changed_events.cluster = dag_runs.cluster
            and changed_events.dag_id = dag_runs.dag_id
            and changed_events.logical_at = dag_runs.logical_at
),

changed_dags as (
    select
        cluster,
        dag_id,
        list(version_key) filter (where is_new) as new_version_keys,
        list(version_key) filter (where not is_new) as known_version_keys,
        min(first_seen_at) filter (where is_new) as new_since_at
    from structures
    group by cluster, dag_id
    having bool_or(is_new)
),

-- A run with a known version keeps its structure; one without takes the nearest, which may be new.
changed_by_structures as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id
    from dag_runs
    inner join changed_dags
        on dag_runs.cluster = changed_dags.cluster and dag_runs.dag_id = changed_dags.dag_id
    where
        not coalesce(list_contains(changed_dags.known_version_keys, dag_runs.version_key), false)
        and (
            coalesce(list_contains(changed_dags.new_version_keys, dag_runs.version_key), false)
            or changed_dags.known_version_keys is null
            or changed_dags.new_since_at <= coalesce(dag_runs.started_at, dag_runs.logical_at)
            or coalesce(dag_runs.started_at, dag_runs.logical_at) is null
        )
),

-- Whether a success was marked by a person is known from the first audit event on.
changed_by_history as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id
    from dag_runs
    inner join {{ ref('int_changes__clusters') }} as clusters
        on dag_runs.cluster = clusters.cluster
    inner join ({{ built_clusters() }}) as built_clusters
        on dag_runs.cluster = built_clusters.cluster
    where
        clusters.first_event_at < coalesce(built_clusters.first_event_at, 'infinity'::timestamp)
        and dag_runs.started_at <= coalesce(built_clusters.first_event_at, 'infinity'::timestamp)
),

changed as (
    select * from changed_rows
    union
    select * from changed_by_events
    union
    select * from changed_by_structures
    union
    select * from changed_by_history
),

-- depends_on_past and wait_for_downstream look into the run before.
chained_dags as (
    select distinct
        cluster,
        dag_id
    from {{ ref('stg_airflow_db__structure_tasks') }}
    where depends_on_past or wait_for_downstream
),

chained_runs as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id,
        lag(dag_runs.run_id) over by_date as earlier_run_id,
        last_value(if(dag_runs.run_kind = 'manual', null, dag_runs.run_id) ignore nulls) over (
            by_date rows between unbounded preceding and 1 preceding
        ) as earlier_planned_run_id
    from dag_runs
    semi join chained_dags using (cluster, dag_id)
    where dag_runs.logical_at is not null
    window by_date as (
        partition by dag_runs.cluster, dag_runs.dag_id
        order by dag_runs.logical_at, dag_runs.run_id desc
    )
),

changed_or_next as (
    select * from changed
    union
    select
        chained_runs.cluster,
        chained_runs.dag_id,
        chained_runs.run_id
    from chained_runs
    inner join changed
        on
            chained_runs.cluster = changed.cluster
            and chained_runs.dag_id = changed.dag_id
            and changed.run_id in (
                chained_runs.earlier_run_id, chained_runs.earlier_planned_run_id
            )
)

select
    cluster,
    dag_id,
    run_id,

    row_number() over (order by cluster, dag_id, run_id) as run_number,

    (
        select max(clusters.newest_load_number)
        from {{ ref('int_changes__clusters') }} as clusters
    ) as load_number
from changed_or_next
