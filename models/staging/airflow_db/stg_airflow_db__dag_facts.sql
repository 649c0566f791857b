-- What a serialized DAG says of the DAG itself: schedule, bounds, limits.
with structures as (
    select * from {{ source('airflow_db', 'airflow_db__dag_structure') }}
)

select
    cluster,
    dag_id,
    coalesce(nullif(dag_version_id, ''), dag_hash) as version_key,

    nullif(dag_hash, '') as dag_hash,
    structure_hash,
    graph_hash,
    case schedule_kind when 'dataset' then 'asset' else schedule_kind end as schedule_kind,
    case
        when schedule_kind in ('dataset', 'asset')
            then concat_ws(' or ', 'Asset', schedule_expression)
        when schedule_kind in ('once', 'continuous') then '@' || schedule_kind
        when schedule_kind = 'delta' and schedule_seconds is not null
            then {{ timedelta_text('schedule_seconds') }}
        when schedule_kind = 'timetable' then regexp_extract(timetable_class, '[^.]+$')
        else schedule_expression
    end as schedule,
    schedule_timezone,
    timetable_class,

    earliest_run_at as start_at,
    latest_run_at as end_at,
    _observed_at as seen_at,

    max_active_runs as max_active_run_count,
    max_active_tasks as max_active_task_count,
    dagrun_timeout_seconds as run_timeout_seconds,
    task_count,
    edge_count,
    _load_number as newest_load_number,

    catchup as has_catchup,
    is_paused_upon_creation,
    fail_fast as is_fail_fast
from structures
