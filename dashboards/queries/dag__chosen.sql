-- What is known of one DAG?
select
    cluster,
    dag_id,
    display_name,
    description,
    owner,
    team,
    tier,
    project,
    tags,
    schedule,
    schedule_kind,
    schedule_timezone_name,
    schedule_description,
    file_path,
    relative_file_path,
    bundle_name,
    bundle_version,
    version_key,
    last_run_id,
    next_run_at,
    last_parsed_at,
    deleted_at,
    delete_reason,
    max_active_run_count,
    task_count,
    run_count,
    is_paused,
    is_active,
    is_stale,
    has_import_errors,
    has_dag_row
from marts.dim_dags
where
    cluster = $cluster
    and dag_id = $dag_id
limit 1
