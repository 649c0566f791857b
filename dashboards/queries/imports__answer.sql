-- How many files do not load now, since when, and how many errors went away lately?
select
    fixed_at is null as is_broken,
    coalesce(fixed_at >= $since, false) as is_recent,
    count(distinct (cluster, file_path)) as file_count,
    count(distinct cluster) as cluster_count,
    count(*) as error_count,
    min(first_seen_at) as first_seen_at
from marts.fct_import_errors
where
    ($cluster is null or cluster = $cluster)
    and ($error_class is null or error_class = $error_class)
    and ($owner is null or owner = $owner)
    and ($team is null or team = $team)
    and (
        $search is null
        or contains(lower(file_path), lower($search))
        or contains(lower(relative_file_path), lower($search))
        or contains(lower(array_to_string(dag_ids, chr(10))), lower($search))
    )
group by is_broken, is_recent
order by is_broken desc, is_recent desc
