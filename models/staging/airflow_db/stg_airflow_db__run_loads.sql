-- Between which loads the landed rows of a run came.
with run_loads as (
    select * from {{ source('airflow_db', 'run_loads') }}
)

select
    cluster,
    dag_id,
    run_id,

    first_load_number,
    last_load_number
from run_loads
