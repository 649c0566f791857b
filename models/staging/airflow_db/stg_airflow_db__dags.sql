-- Where the DAG rows of 1.10, 2.x and 3.x meet: one readable schedule, "active" instead of "stale",
-- paths that compare between releases.
with dags as (
    select * from {{ source('airflow_db', 'airflow_db__dag') }}
)

select
    cluster,
    dag_id,

    dag_display_name as display_name,
    nullif(trim(owners), '') as owners_text,
    nullif(description, '') as description,
    {{ schedule_text('timetable_summary', 'schedule_interval') }} as schedule,
    nullif(timetable_description, '') as schedule_description,
    timetable_type as timetable_class,
    fileloc as file_path,
    coalesce(
        relative_fileloc,
        -- 2.4 and later tell the folder that was parsed; it may be the file itself
        case
            when starts_with(fileloc, rtrim(processor_subdir, '/') || '/')
                then substr(fileloc, length(rtrim(processor_subdir, '/')) + 2)
        end
    ) as relative_file_path,
    bundle_name,
    bundle_version,
    root_dag_id,

    coalesce(last_parsed_time, last_scheduler_run) as last_parsed_at,
    next_dagrun as next_logical_at,
    next_dagrun_create_after as next_run_at,
    next_dagrun_data_interval_start as next_interval_start_at,
    next_dagrun_data_interval_end as next_interval_end_at,
    _deleted_at as deleted_at,
    _delete_reason as delete_reason,

    last_parse_duration as parse_seconds,
    max_active_runs as max_active_run_count,
    coalesce(max_active_tasks, concurrency) as max_active_task_count,
    max_consecutive_failed_dag_runs as max_consecutive_failed_run_count,
    _load_number as newest_load_number,

    is_paused,
    coalesce(not is_stale, is_active, true) and _deleted_at is null as is_active,
    coalesce(is_stale, not is_active) as is_stale,
    is_subdag,
    has_import_errors,
    exceeds_max_non_backfill as is_at_max_active_runs,
    timetable_summary is not null or schedule_interval is not null as has_schedule_text
from dags
