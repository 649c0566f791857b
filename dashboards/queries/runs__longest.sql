-- Which runs took longest? Those that have not ended come last.
select
    cluster,
    dag_id,
    run_id,
    run_kind,
    state,
    queued_at,
    started_at,
    ended_at,
    duration_seconds,
    deleted_at
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
order by duration_seconds desc nulls last, cluster, dag_id, run_id
limit $row_limit
