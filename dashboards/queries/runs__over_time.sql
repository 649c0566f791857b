-- When did they start, by state? Buckets are aligned to $origin.
select
    time_bucket(
        to_seconds($bucket_seconds), coalesce(started_at, queued_at, logical_at), $origin
    ) as bucket_at,
    state,
    count(*) as run_count
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
group by bucket_at, state
order by bucket_at, state
limit 2000
