-- The structure that each DAG has now, or had last.
select
    cluster,
    dag_id,
    version_key,
    structure_number
from {{ ref('int_structures__versions') }}
where is_latest
