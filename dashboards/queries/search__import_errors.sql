-- How many files do not parse now?
select count(distinct (cluster, file_path)) as file_count
from marts.fct_import_errors
where fixed_at is null and ($cluster is null or cluster = $cluster)
