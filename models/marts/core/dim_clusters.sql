-- What Windsock knows of each Airflow, and how fresh it is.
with loads as (
    select * from {{ ref('stg_airflow_db__loads') }}
),

jobs as (
    select * from {{ ref('stg_airflow_db__jobs') }}
),

newest_loads as (
    select * from loads
    qualify row_number() over (partition by cluster order by load_number desc) = 1
),

schedulers as (
    select
        cluster,
        max(heartbeat_at) as scheduler_heartbeat_at
    from jobs
    where job_kind = 'SchedulerJob'
    group by cluster
)

select
    newest_loads.cluster,

    coalesce(newest_loads.cluster_kind, 'prod') as kind,
    newest_loads.airflow_version,
    newest_loads.dialect,
    newest_loads.base_url,
    cast(newest_loads.warnings as varchar) as warnings,

    schedulers.scheduler_heartbeat_at,
    newest_loads.observed_at as newest_row_at,
    newest_loads.loaded_at,

    newest_loads.replication_lag_seconds,

    newest_loads.is_frozen
from newest_loads
-- a database whose scheduler never ran has no job row
left join schedulers on newest_loads.cluster = schedulers.cluster
