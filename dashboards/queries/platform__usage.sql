-- What ran and who worked on each day?
select
    usage_date,
    sum(dag_run_count) as dag_run_count,
    sum(task_instance_count) as task_instance_count,
    sum(active_user_count) as active_user_count,
    sum(ui_api_request_count) as ui_api_request_count
from marts.agg_daily_platform_usage
where
    usage_date >= $since_date
    and usage_date <= $until_date
    and ($cluster is null or cluster = $cluster)
group by usage_date
order by usage_date
