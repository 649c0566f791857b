-- Where the DAG runs of 1.10, 2.x and 3.x meet: one name per fact, one closed list of kinds.
with dag_runs as (
    select * from {{ source('airflow_db', 'airflow_db__dag_run') }}
)

select
    cluster,
    dag_id,
    run_id,

    state,
    case
        -- 3.x may give a backfill an id that begins with scheduled__: the id tells only in 1.10
        when run_type in ('scheduled', 'manual', 'backfill') then run_type
        when run_type in ('asset_triggered', 'dataset_triggered', 'asset_materialization') then 'asset'
        when run_type = 'operator_triggered' then 'manual'
        when run_type is not null then 'manual'
        when starts_with(run_id, 'scheduled__') then 'scheduled'
        when starts_with(run_id, 'backfill_') then 'backfill'
        else 'manual'
    end as run_kind,
    case
        when triggered_by is not null then lower(triggered_by)
        when run_type = 'operator_triggered' then 'operator'
    end as triggered_by,
    coalesce(created_dag_version_id, dag_hash) as version_key,
    conf,

    coalesce(logical_date, execution_date) as logical_at,
    data_interval_start as data_interval_start_at,
    data_interval_end as data_interval_end_at,
    queued_at,
    start_date as started_at,
    end_date as ended_at,
    coalesce(data_interval_end, run_after) as due_at,

    clear_number as clear_count,

    _row_flags as row_flags,
    _deleted_at as deleted_at,
    _delete_reason as delete_reason,
    _load_number as newest_load_number
from dag_runs
