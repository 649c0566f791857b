-- How many runs are these, of how many DAGs on how many clusters, from when to when?
select
    count(*) as run_count,
    count(distinct (cluster, dag_id)) as dag_count,
    count(distinct cluster) as cluster_count,
    min(coalesce(started_at, queued_at, logical_at)) as oldest_at,
    max(coalesce(started_at, queued_at, logical_at)) as newest_at
from marts.fct_dag_runs
where
    ($cluster is null or cluster = $cluster)
    and ($state is null or state = $state)
    and ($kind is null or run_kind = $kind)
    and ($since is null or coalesce(started_at, queued_at, logical_at) >= $since)
    and (
        $search is null
        or contains(lower(dag_id), lower($search))
        or contains(lower(run_id), lower($search))
    )
