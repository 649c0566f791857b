-- Use of days whose runs expired.
with usage as (
    select * from {{ source('rollups', 'rollups__daily_platform_usage') }}
)

select
    cluster,
    cast(usage_date as date) as usage_date,

    active_user_count,
    dag_run_count,
    task_instance_count,
    ui_api_request_count
from usage
