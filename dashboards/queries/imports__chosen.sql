-- What does one error say, in full?
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
    message,
    stack_trace,
    first_seen_at,
    last_seen_at,
    fixed_at
from marts.fct_import_errors
where
    ($cluster is null or cluster = $cluster)
    and file_path = $file_path
    and ($error_key is null or error_key = $error_key)
order by fixed_at desc nulls first, first_seen_at desc, cluster, error_key
limit 1
