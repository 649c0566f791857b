-- How many files do not load now, on how many clusters?
select
    count(distinct (cluster, file_path)) as file_count,
    count(distinct cluster) as cluster_count
from marts.fct_import_errors
where
    fixed_at is null
    and ($cluster is null or cluster = $cluster)
