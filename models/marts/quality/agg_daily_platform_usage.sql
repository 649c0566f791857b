-- How much a cluster is used, by whom and by what: the figures of its growth. They outlive the runs that
-- they count.
with activity as (
    select * from {{ ref('int_rollups__platform_usage') }}
)

select
    cluster,
    usage_date,

    cast(count(distinct user_name) + sum(archived_user_count) as bigint) as active_user_count,
    cast(sum(dag_run_count) as bigint) as dag_run_count,
    cast(sum(task_instance_count) as bigint) as task_instance_count,
    cast(sum(request_count) as bigint) as ui_api_request_count
from activity
group by cluster, usage_date
