-- Stretches of a try in which it held no worker: deferred, or asleep between two pokes.
{{ config(materialized='table') }}

with tries as (
    select * from {{ ref('int_attempts__tries') }}
),

nodes as (
    select
        node_number,
        cluster,
        dag_id,
        run_id,
        task_id,
        map_index
    from {{ ref('int_attempts__instances') }}
),

sleeps as (
    select
        tries.node_number,
        tries.try_number,
        reschedules.ended_at as from_at,
        least(reschedules.due_again_at, tries.busy_until_at) as until_at
    from {{ ref('stg_airflow_db__task_reschedules') }} as reschedules
    inner join nodes
        on
            reschedules.cluster = nodes.cluster
            and reschedules.dag_id = nodes.dag_id
            and reschedules.run_id = nodes.run_id
            and reschedules.task_id = nodes.task_id
            and reschedules.map_index = nodes.map_index
    inner join tries
        on
            nodes.node_number = tries.node_number
            and reschedules.ended_at >= tries.busy_from_at
            and reschedules.ended_at < tries.busy_until_at
    where reschedules.due_again_at > reschedules.ended_at
)

select
    node_number,
    try_number,
    'deferred' as pause_kind,
    deferred_from_at as from_at,
    deferred_until_at as until_at
from {{ ref('int_attempts__deferrals') }}
where deferred_until_at > deferred_from_at
union all
select
    node_number,
    try_number,
    'rescheduled' as pause_kind,
    from_at,
    until_at
from sleeps
where until_at > from_at
