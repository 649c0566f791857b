-- Every structure of a DAG that was ever seen: by version (3.x) or by hash (before).
with structures as (
    select * from {{ source('airflow_db', 'airflow_db__dag_structure') }}
)

select
    cluster,
    dag_id,
    coalesce(nullif(dag_version_id, ''), dag_hash) as version_key,

    graph_hash,
    structure_hash,
    catchup as has_catchup,
    max_active_tasks as max_active_task_count,

    _observed_at as seen_at,

    _load_number as newest_load_number,

    nullif(dag_version_id, '') is not null as is_version
from structures
