-- Which parts of an Airflow are alive, by their heartbeats. A process that dies leaves its job `running` for
-- ever, and a replica that trails shows old beats of a part that is well: its lag is taken off.
with jobs as (
    select
        *,
        case job_kind
            when 'SchedulerJob' then 'scheduler'
            when 'TriggererJob' then 'triggerer'
            when 'DagProcessorJob' then 'dag_processor'
        end as component_kind
    from {{ ref('stg_airflow_db__jobs') }}
),

newest_loads as (
    select *
    from {{ ref('stg_airflow_db__loads') }}
    qualify row_number() over (partition by cluster order by load_number desc) = 1
),

beats as (
    select
        jobs.cluster,
        jobs.component_kind,
        jobs.host_name,
        jobs.started_at,
        jobs.heartbeat_at,
        greatest(
            {{ seconds_between('jobs.heartbeat_at', 'newest_loads.observed_at') }}
            - coalesce(newest_loads.replication_lag_seconds, 0),
            0
        ) as silent_seconds,
        coalesce(jobs.state = 'running', false) as is_running
    from jobs
    inner join newest_loads on jobs.cluster = newest_loads.cluster
    -- jobs of single tasks and of backfills are no parts of an Airflow
    where jobs.component_kind is not null and jobs.heartbeat_at is not null
),

judged as (
    select
        *,
        is_running and silent_seconds <= {{ var('component_silence_seconds') }} as is_alive
    from beats
)

select
    cluster,
    component_kind,

    case
        when bool_or(is_alive) then 'alive'
        when bool_or(is_running) then 'silent'
        else 'stopped'
    end as state,

    max(heartbeat_at) as latest_heartbeat_at,
    max(started_at) as latest_started_at,

    min(silent_seconds) as silent_seconds,
    count(*) filter (where is_alive) as alive_count,
    count(distinct host_name) filter (where is_alive) as host_count
from judged
group by cluster, component_kind
