-- The runs that every page starts from. Incremental by the number of the load: a refresh touches
-- only the runs that landed since, and never looks at a clock.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['cluster', 'dag_id', 'run_id'],
    on_schema_change='fail',
) }}

with dag_runs as (
    select * from {{ ref('stg_airflow_db__dag_runs') }}
    where {{ touched_since('newest_load_number') }}
)

select
    cluster,
    dag_id,
    run_id,

    run_kind,
    triggered_by,
    state,
    version_key,
    conf,

    logical_at,
    data_interval_start_at,
    data_interval_end_at,
    queued_at,
    started_at,
    ended_at,
    deleted_at,
    delete_reason,

    cast({{ seconds_between('started_at', 'ended_at') }} as double) as duration_seconds,

    row_flags,
    newest_load_number
from dag_runs
