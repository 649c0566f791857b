-- Which errors kept the DAG's file from being parsed? Those that stand first, then the newest.
select
    file_path,
    error_class,
    message,
    stack_trace,
    first_seen_at,
    last_seen_at,
    fixed_at
from marts.fct_import_errors
where
    cluster = $cluster
    and (
        list_contains(dag_ids, $dag_id)
        or file_path = $file_path
        or relative_file_path = $relative_file_path
    )
order by fixed_at desc nulls first, first_seen_at desc
limit $row_limit
