-- Images of DAG runs that Airflow overwrote after Windsock had seen them: a clear rewrites the start.
with replaced as (
    select * from {{ source('airflow_db', 'airflow_db__dag_run__replaced') }}
)

select
    cluster,
    dag_id,
    run_id,

    state,

    start_date as started_at,
    end_date as ended_at
from replaced
