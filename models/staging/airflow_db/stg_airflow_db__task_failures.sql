-- Failed executions as 1.10 and 2.x log them. A task whose process died leaves a row per callback:
-- the first of the rows with the same start is the failure, the others are echoes.
with failures as (
    select * from {{ source('airflow_db', 'airflow_db__task_fail') }}
)

select
    cluster,
    dag_id,
    run_id,
    task_id,
    map_index,

    start_date as started_at,
    end_date as ended_at,

    _load_number as newest_load_number
from failures
where start_date is not null and end_date is not null
qualify row_number() over (
    partition by cluster, dag_id, run_id, task_id, map_index, start_date
    order by end_date, id
) = 1
