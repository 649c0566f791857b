-- Every DAG that any row names: Airflow forgets DAGs whose runs and structures stay.
with mentions as (
    select
        cluster,
        dag_id
    from {{ ref('stg_airflow_db__dags') }}
    union
    select
        cluster,
        dag_id
    from {{ ref('int_dags__last_runs') }}
    union
    select
        cluster,
        dag_id
    from {{ ref('int_structures__latest') }}
)

select
    cluster,
    dag_id
from mentions
