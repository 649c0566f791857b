-- Audit events of touched instances: deferrals, processes found dead, marks by a person. Begins and ends
-- of executions are looked up only where they tell something, since every one writes an event: of deferred
-- instances, of rescheduling sensors, and where a try number is missing.
{{ config(materialized='table') }}

with nodes as (
    select
        node_number,
        run_number,
        cluster,
        dag_id,
        run_id,
        task_id,
        map_index,
        is_sensor
    from {{ ref('int_attempts__instances') }}
),

-- Not materialized: of millions of begins and ends none is wanted, or few.
events as not materialized (
    select * from {{ ref('stg_airflow_db__task_events') }}
),

-- Before 2.10 an event names its run by the logical date.
runs_by_date as (
    select
        run_number,
        cluster,
        dag_id,
        logical_at
    from {{ ref('int_runs__windows') }}
    where logical_at is not null
),

rare_events as (
    select
        nodes.node_number,
        events.event_kind,
        events.happened_at,
        events.event_number,
        events.try_number
    from events
    inner join nodes
        on
            events.cluster = nodes.cluster
            and events.dag_id = nodes.dag_id
            and events.run_id = nodes.run_id
            and events.task_id = nodes.task_id
            and events.map_index = nodes.map_index
    where events.event_kind not in ('running', 'ended')
    union all
    select
        nodes.node_number,
        events.event_kind,
        events.happened_at,
        events.event_number,
        events.try_number
    from events
    inner join runs_by_date
        on
            events.cluster = runs_by_date.cluster
            and events.dag_id = runs_by_date.dag_id
            and events.logical_at = runs_by_date.logical_at
    inner join nodes
        on
            runs_by_date.run_number = nodes.run_number
            and events.task_id = nodes.task_id
            and events.map_index = nodes.map_index
    where events.run_id is null and events.event_kind not in ('running', 'ended')
),

rescheduled_nodes as (
    select distinct nodes.node_number
    from {{ ref('stg_airflow_db__task_reschedules') }} as reschedules
    inner join nodes
        on
            reschedules.cluster = nodes.cluster
            and reschedules.dag_id = nodes.dag_id
            and reschedules.run_id = nodes.run_id
            and reschedules.task_id = nodes.task_id
            and reschedules.map_index = nodes.map_index
    where nodes.is_sensor
),

gapped_nodes as (
    select node_number
    from {{ ref('int_attempts__recorded') }}
    group by node_number
    having max(try_number) > count(*)
),

asked_numbers as (
    select node_number
    from rare_events
    where event_kind = 'deferred'
    union
    select node_number
    from rescheduled_nodes
    union
    select node_number
    from gapped_nodes
),

asked_nodes as (
    select nodes.*
    from nodes
    semi join asked_numbers using (node_number)
),

executions as (
    select
        asked_nodes.node_number,
        events.event_kind,
        events.happened_at,
        events.event_number,
        events.try_number
    from events
    inner join asked_nodes
        on
            events.cluster = asked_nodes.cluster
            and events.dag_id = asked_nodes.dag_id
            and events.run_id = asked_nodes.run_id
            and events.task_id = asked_nodes.task_id
            and events.map_index = asked_nodes.map_index
    where events.event_kind in ('running', 'ended')
    union all
    select
        asked_nodes.node_number,
        events.event_kind,
        events.happened_at,
        events.event_number,
        events.try_number
    from events
    inner join runs_by_date
        on
            events.cluster = runs_by_date.cluster
            and events.dag_id = runs_by_date.dag_id
            and events.logical_at = runs_by_date.logical_at
    inner join asked_nodes
        on
            runs_by_date.run_number = asked_nodes.run_number
            and events.task_id = asked_nodes.task_id
            and events.map_index = asked_nodes.map_index
    where events.run_id is null and events.event_kind in ('running', 'ended')
)

select
    node_number,
    event_kind,
    happened_at,

    event_number,
    try_number
from rare_events
union all
select
    node_number,
    event_kind,
    happened_at,

    event_number,
    try_number
from executions
