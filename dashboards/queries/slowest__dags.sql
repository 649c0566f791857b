-- Which DAGs got slower this week, by how much, and by which part?
select
    cluster,
    dag_id,
    slower_kind,
    main_task_id,
    main_term,
    main_limited_by,
    recent_run_count,
    before_run_count,
    recent_median_seconds,
    before_median_seconds,
    slower_seconds,
    slower_ratio,
    mean_slower_seconds,
    own_slower_seconds,
    waiting_slower_seconds,
    external_slower_seconds,
    inherited_slower_seconds,
    later_seconds,
    main_slower_seconds,
    is_slower,
    is_later
from marts.agg_dag_slowdowns
where
    ($cluster is null or cluster = $cluster)
    and (is_slower or is_later or $has_others)
    and ($slower_kind is null or slower_kind = $slower_kind)
order by slower_seconds desc, cluster, dag_id
limit $row_limit
