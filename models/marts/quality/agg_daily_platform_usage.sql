-- How much a cluster is used, by whom and by what: the figures of its growth.
with run_days as (
    select * from {{ ref('int_usage__run_days') }}
),

user_days as (
    select * from {{ ref('int_usage__user_days') }}
),

activity as (
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
    cluster,
    usage_date,

    count(distinct user_name) as active_user_count,
    cast(sum(dag_run_count) as bigint) as dag_run_count,
    cast(sum(task_instance_count) as bigint) as task_instance_count,
    cast(sum(request_count) as bigint) as ui_api_request_count
from activity
group by cluster, usage_date
