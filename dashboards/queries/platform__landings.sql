-- When was each cluster landed, and how much arrived? Buckets are aligned to $origin.
select
    cluster,
    time_bucket(to_seconds($bucket_seconds), loaded_at, $origin) as bucket_at,
    count(*) as load_count,
    sum(row_count) as row_count
from marts.fct_loads
where loaded_at >= $since
group by cluster, bucket_at
order by bucket_at, cluster
limit 5000
