-- "Now" of every cluster is the instant at which it was last read, a landed value: no model looks at a
-- clock. Before 2.10 Airflow counts a try when it starts, since then when it is scheduled.
{{ config(materialized='table') }}

with loads as (
    select * from {{ ref('stg_airflow_db__loads') }}
),

newest_loads as (
    select *
    from loads
    qualify row_number() over (partition by cluster order by load_number desc) = 1
),

versions as (
    select
        cluster,
        observed_at,
        load_number,
        parallelism_count,
        try_cast(split_part(airflow_version, '.', 1) as integer) as major_number,
        try_cast(
            regexp_extract(split_part(airflow_version, '.', 2), '^[0-9]+') as integer
        ) as minor_number
    from newest_loads
),

first_events as (
    select
        cluster,
        min(happened_at) as first_event_at
    from {{ ref('stg_airflow_db__audit_rows') }}
    group by cluster
)

select
    versions.cluster,

    versions.observed_at,
    first_events.first_event_at,

    versions.parallelism_count,
    versions.load_number as newest_load_number,

    coalesce(versions.major_number < 2, false)
    or coalesce(versions.major_number = 2 and versions.minor_number < 10, false)
        as is_try_counted_at_start,
    -- since 3.0 max_active_tasks counts within one run, before over all runs of the DAG
    coalesce(versions.major_number >= 3, false) as is_counted_by_run
from versions
-- an Airflow whose audit log is empty
left join first_events on versions.cluster = first_events.cluster
