-- Tags that a DAG has, or had when its row went.
with tags as (
    select * from {{ ref('stg_airflow_db__dag_tags') }}
),

dags as (
    select * from {{ ref('stg_airflow_db__dags') }}
)

select
    tags.cluster,
    tags.dag_id,
    tags.tag
from tags
-- a tag can outlive its DAG's row
left join dags on tags.cluster = dags.cluster and tags.dag_id = dags.dag_id
where tags.deleted_at is null or tags.deleted_at >= dags.deleted_at
