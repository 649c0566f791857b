-- Every DAG that Airflow has, had, or ran: what it is, whose it is, when it runs next and ran last.
with known_dags as (
    select * from {{ ref('int_dags__known') }}
),

dags as (
    select * from {{ ref('stg_airflow_db__dags') }}
),

facts as (
    select * from {{ ref('int_dags__facts') }}
),

last_runs as (
    select * from {{ ref('int_dags__last_runs') }}
),

ownership as (
    select * from {{ ref('int_ownership__dags') }}
),

tags as (
    select
        cluster,
        dag_id,
        list(tag order by tag) as tags
    from {{ ref('int_dags__tags') }}
    group by cluster, dag_id
),

broken_dags as (
    select distinct
        files.cluster,
        unnest(files.dag_ids) as dag_id
    from {{ ref('int_import_errors__files') }} as files
    inner join {{ ref('int_import_errors__errors') }} as errors
        on
            files.cluster = errors.cluster
            and files.bundle_name is not distinct from errors.bundle_name
            and files.file_path = errors.file_path
    where errors.fixed_at is null
),

warnings as (
    select
        cluster,
        dag_id,
        list(distinct warning_kind order by warning_kind) as warning_kinds
    from {{ ref('stg_airflow_db__dag_warnings') }}
    group by cluster, dag_id
)

select
    known_dags.cluster,
    known_dags.dag_id,

    coalesce(dags.display_name, known_dags.dag_id) as display_name,
    dags.description,
    ownership.owner,
    ownership.owner_basis,
    ownership.owners,
    ownership.team,
    ownership.team_basis,
    ownership.tier,
    ownership.tier_basis,
    ownership.project,
    ownership.project_basis,
    coalesce(tags.tags, []) as tags,
    case when dags.has_schedule_text then dags.schedule else facts.schedule end as schedule,
    {{ schedule_kind('dags.schedule', 'dags.has_schedule_text', 'facts.schedule_kind') }}
        as schedule_kind,
    facts.schedule_timezone as schedule_timezone_name,
    dags.schedule_description,
    coalesce(dags.timetable_class, facts.timetable_class) as timetable_class,
    dags.file_path,
    dags.relative_file_path,
    nullif(regexp_replace(dags.file_path, '/[^/]*$', ''), '') as folder_path,
    dags.bundle_name,
    dags.bundle_version,
    facts.version_key,
    dags.root_dag_id,
    coalesce(warnings.warning_kinds, []) as warning_kinds,
    last_runs.run_id as last_run_id,
    last_runs.state as last_run_state,

    last_runs.started_at as last_run_started_at,
    last_runs.ended_at as last_run_ended_at,
    dags.next_run_at,
    dags.next_logical_at,
    dags.next_interval_start_at,
    dags.next_interval_end_at,
    facts.start_at,
    facts.end_at,
    dags.last_parsed_at,
    dags.deleted_at,
    dags.delete_reason,

    dags.parse_seconds,
    facts.run_timeout_seconds,
    coalesce(dags.max_active_run_count, facts.max_active_run_count) as max_active_run_count,
    coalesce(dags.max_active_task_count, facts.max_active_task_count) as max_active_task_count,
    dags.max_consecutive_failed_run_count,
    facts.task_count,
    coalesce(last_runs.run_count, 0) as run_count,

    dags.is_paused,
    coalesce(dags.is_active, false) as is_active,
    dags.is_stale,
    coalesce(dags.is_subdag, false) as is_subdag,
    coalesce(dags.has_import_errors, false) or broken_dags.dag_id is not null
        as has_import_errors,
    dags.dag_id is not null as has_dag_row,
    facts.has_catchup,
    facts.is_fail_fast,
    dags.is_at_max_active_runs,
    facts.is_paused_upon_creation
from known_dags
inner join ownership
    on known_dags.cluster = ownership.cluster and known_dags.dag_id = ownership.dag_id
-- DAGs that Airflow forgot while their runs stayed
left join dags on known_dags.cluster = dags.cluster and known_dags.dag_id = dags.dag_id
-- Airflow 2 deletes the structure of a DAG that is gone; no structure was ever seen
left join facts on known_dags.cluster = facts.cluster and known_dags.dag_id = facts.dag_id
-- DAGs that never ran, have no tag, no warning, no broken file
left join last_runs
    on known_dags.cluster = last_runs.cluster and known_dags.dag_id = last_runs.dag_id
left join tags on known_dags.cluster = tags.cluster and known_dags.dag_id = tags.dag_id
left join warnings on known_dags.cluster = warnings.cluster and known_dags.dag_id = warnings.dag_id
left join broken_dags
    on known_dags.cluster = broken_dags.cluster and known_dags.dag_id = broken_dags.dag_id
