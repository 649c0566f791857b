-- Use of every day, in parts that a mart adds up: of days whose runs expired the archived figures, of
-- the others what runs and people did. A run that outlived its first days has left its share of
-- them in the archived figures, so those days are not computed again.
with run_days as (
    select * from {{ ref('int_usage__run_days') }}
),

user_days as (
    select * from {{ ref('int_usage__user_days') }}
),

archived_days as (
    select * from {{ ref('stg_rollups__daily_platform_usage') }}
),

boundaries as (
    select * from {{ ref('stg_rollups__boundaries') }}
),

computed as (
    select
        cluster,
        usage_date,
        null as user_name,
        dag_run_count,
        task_instance_count,
        0 as request_count
    from run_days

    union all

    select
        cluster,
        usage_date,
        user_name,
        0 as dag_run_count,
        0 as task_instance_count,
        request_count
    from user_days
)

select
    computed.cluster,
    computed.usage_date,
    computed.user_name,
    0 as archived_user_count,
    computed.dag_run_count,
    computed.task_instance_count,
    computed.request_count
from computed
-- a cluster of which nothing expired yet
left join boundaries on computed.cluster = boundaries.cluster
where computed.usage_date >= coalesce(boundaries.computed_from_date, cast('-infinity' as date))

union all

select
    cluster,
    usage_date,
    null as user_name,
    active_user_count as archived_user_count,
    dag_run_count,
    task_instance_count,
    ui_api_request_count as request_count
from archived_days
