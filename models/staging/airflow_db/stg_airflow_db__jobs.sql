-- Jobs of every release; whether one is alive is for later rooms to judge.
with jobs as (
    select * from {{ source('airflow_db', 'airflow_db__job') }}
)

select
    cluster,
    id as job_number,

    job_type as job_kind,
    state,
    hostname as host_name,

    start_date as started_at,
    end_date as ended_at,
    latest_heartbeat as heartbeat_at
from jobs
where _deleted_at is null
