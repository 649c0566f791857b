-- What each run adds to the use of a day. Kept per run, so that a run whose start moves to another
-- day (a clear does that) takes its old rows along, and a build counts touched runs alone.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__runs', ['cluster', 'dag_id', 'run_id']) }}",
) }}

with worklist as (
    select * from {{ ref('int_changes__runs') }}
),

started_rows as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id,
        dag_runs.started_at,
        true as is_run
    from {{ ref('stg_airflow_db__dag_runs') }} as dag_runs
    inner join worklist
        on
            dag_runs.cluster = worklist.cluster
            and dag_runs.dag_id = worklist.dag_id
            and dag_runs.run_id = worklist.run_id

    union all

    select
        cluster,
        dag_id,
        run_id,
        started_at,
        false as is_run
    from {{ ref('int_attempts__instances') }}
)

select
    cluster,
    dag_id,
    run_id,
    cast(started_at as date) as usage_date,

    count_if(is_run) as dag_run_count,
    count_if(not is_run) as task_instance_count
from started_rows
where started_at is not null
group by cluster, dag_id, run_id, usage_date
