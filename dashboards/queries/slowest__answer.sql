-- How many DAGs could be compared, and how many got slower or later?
select
    count(*) as dag_count,
    count_if(is_slower) as slower_count,
    count_if(is_later and not is_slower) as later_count,
    min(recent_from_at) as recent_from_at,
    min(before_from_at) as before_from_at
from marts.agg_dag_slowdowns
where ($cluster is null or cluster = $cluster)
