-- Tags as their authors wrote them, also those of DAGs that are gone.
with tags as (
    select * from {{ source('airflow_db', 'airflow_db__dag_tag') }}
)

select
    cluster,
    dag_id,
    name as tag,

    _deleted_at as deleted_at
from tags
