-- How large are these limits now? Those of one kind are listed whether or not they were full.
select
    cluster,
    limit_kind,
    limit_name,
    dag_id,
    size_count,
    size_since_at,
    has_deferred_tasks,
    is_counted_by_run,
    is_known,
    is_in_force
from marts.dim_limits
where
    ($cluster is null or cluster = $cluster)
    and (limit_kind = $always_kind or list_contains($names, limit_name))
order by cluster, limit_kind, limit_name
limit $row_limit
