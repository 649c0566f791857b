-- Which errors keep files from loading, and which did?
select
    cluster,
    file_path,
    relative_file_path,
    bundle_name,
    error_key,
    dag_ids,
    owner,
    owner_basis,
    team,
    error_class,
    left(message, 600) as message,
    first_seen_at,
    last_seen_at,
    fixed_at
from marts.fct_import_errors
where
    ($is_broken is null or (fixed_at is null) = $is_broken)
    and ($cluster is null or cluster = $cluster)
    and ($error_class is null or error_class = $error_class)
    and ($owner is null or owner = $owner)
    and ($team is null or team = $team)
    and (
        $search is null
        or contains(lower(file_path), lower($search))
        or contains(lower(relative_file_path), lower($search))
        or contains(lower(array_to_string(dag_ids, chr(10))), lower($search))
    )
order by first_seen_at desc, cluster, file_path, error_key
limit $row_limit
