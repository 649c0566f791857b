-- When Airflow made each version of a serialized DAG; only 3.x says so.
with serialized_dags as (
    select * from {{ source('airflow_db', 'airflow_db__serialized_dag') }}
)

select
    cluster,
    dag_id,
    coalesce(nullif(dag_version_id, ''), dag_hash) as version_key,

    case when nullif(dag_version_id, '') is not null then created_at end as created_at
from serialized_dags
