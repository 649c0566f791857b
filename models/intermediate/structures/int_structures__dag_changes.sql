-- What a version says otherwise of the DAG itself, its source and its bundle.
-- A hash that was not read is no change, nor are bundles that a release does not have.
with successions as (
    select
        *,
        source_hash is not null and previous_source_hash is not null as has_both_hashes,
        is_recorded and was_recorded as has_both_bundles
    from {{ ref('int_structures__successions') }}
),

-- 3.x may serialize a version anew, in place, as long as no run uses it
facts as (
    select * from {{ ref('stg_airflow_db__dag_facts') }}
    where (cluster, dag_id) in (
        select
            successions.cluster,
            successions.dag_id
        from successions
    )
    qualify row_number() over (
        partition by cluster, dag_id, version_key
        order by seen_at desc, newest_load_number desc, dag_hash desc
    ) = 1
),

compared as (
    select
        successions.cluster,
        successions.dag_id,
        successions.version_key,
        unnest([
            'dag_changed',
            'dag_changed',
            'dag_changed',
            'dag_changed',
            'dag_changed',
            'dag_changed',
            'dag_changed',
            'source_changed',
            'bundle_changed',
            'bundle_changed'
        ]) as change_kind,
        unnest([
            'schedule',
            'schedule_timezone',
            'max_active_run_count',
            'max_active_task_count',
            'run_timeout_seconds',
            'has_catchup',
            'is_fail_fast',
            'source_hash',
            'bundle_name',
            'bundle_version'
        ]) as field_name,
        unnest([
            cast(older.schedule as varchar),
            cast(older.schedule_timezone as varchar),
            cast(older.max_active_run_count as varchar),
            cast(older.max_active_task_count as varchar),
            cast(older.run_timeout_seconds as varchar),
            cast(older.has_catchup as varchar),
            cast(older.is_fail_fast as varchar),
            if(successions.has_both_hashes, successions.previous_source_hash, null),
            if(successions.has_both_bundles, successions.previous_bundle_name, null),
            if(successions.has_both_bundles, successions.previous_bundle_version, null)
        ]) as old_value,
        unnest([
            cast(newer.schedule as varchar),
            cast(newer.schedule_timezone as varchar),
            cast(newer.max_active_run_count as varchar),
            cast(newer.max_active_task_count as varchar),
            cast(newer.run_timeout_seconds as varchar),
            cast(newer.has_catchup as varchar),
            cast(newer.is_fail_fast as varchar),
            if(successions.has_both_hashes, successions.source_hash, null),
            if(successions.has_both_bundles, successions.bundle_name, null),
            if(successions.has_both_bundles, successions.bundle_version, null)
        ]) as new_value
    from successions
    inner join facts as newer
        on
            successions.cluster = newer.cluster
            and successions.dag_id = newer.dag_id
            and successions.version_key = newer.version_key
    inner join facts as older
        on
            successions.cluster = older.cluster
            and successions.dag_id = older.dag_id
            and successions.previous_version_key = older.version_key
)

select
    cluster,
    dag_id,
    version_key,
    change_kind,
    field_name,

    old_value,
    new_value
from compared
where old_value is distinct from new_value
