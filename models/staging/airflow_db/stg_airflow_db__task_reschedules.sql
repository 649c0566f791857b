-- Pokes of rescheduling sensors. 3.x writes the instant of the insert as their start, later than their
-- end: there a poke is known to have begun at its end at the latest.
with reschedules as (
    select * from {{ source('airflow_db', 'airflow_db__task_reschedule') }}
)

select
    cluster,
    dag_id,
    run_id,
    task_id,
    map_index,
    try_number,

    least(start_date, end_date) as started_at,
    end_date as ended_at,
    reschedule_date as due_again_at,

    _load_number as newest_load_number,

    coalesce(start_date <= end_date, false) as is_start_known
from reschedules
