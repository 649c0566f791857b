-- depends_on_past and wait_for_downstream: instances that waited longer for the DAG's previous run than
-- for anything in their own. There the path leaves the run.
{{ config(materialized='table') }}

with nodes as (
    select * from {{ ref('int_critical_path__nodes') }}
    where has_run and (depends_on_past or wait_for_downstream)
),

runs as (
    select * from {{ ref('int_runs__windows') }}
),

dag_runs as (
    select
        cluster,
        dag_id,
        run_id,
        logical_at,
        run_kind
    from {{ ref('stg_airflow_db__dag_runs') }}
    where logical_at is not null and deleted_at is null
),

past_instances as (
    select * from {{ ref('stg_airflow_db__task_instances') }}
    -- other ends let nothing go
    where state in ('success', 'skipped') and ended_at is not null
),

edges as (
    select * from {{ ref('int_critical_path__edges') }}
),

task_numbers as (
    select * from {{ ref('int_critical_path__task_numbers') }}
),

ends as (
    select * from {{ ref('int_critical_path__ends') }}
),

waiting_runs as (
    select *
    from runs
    where run_number in (select nodes.run_number from nodes)
),

-- The run before by logical date; with catchup the one before that nobody triggered by hand.
previous_runs as (
    select
        waiting_runs.run_number,
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id
    from waiting_runs
    inner join dag_runs
        on
            waiting_runs.cluster = dag_runs.cluster
            and waiting_runs.dag_id = dag_runs.dag_id
            and waiting_runs.logical_at > dag_runs.logical_at
            and not (waiting_runs.has_catchup and dag_runs.run_kind = 'manual')
    qualify row_number() over (
        partition by waiting_runs.run_number
        order by dag_runs.logical_at desc, dag_runs.run_id
    ) = 1
),

awaited_tasks as (
    select
        node_number,
        run_number,
        task_id,
        map_index,
        path_started_at,
        true as is_same_task
    from nodes
    where depends_on_past or wait_for_downstream
    union all
    select
        nodes.node_number,
        nodes.run_number,
        task_numbers.task_id,
        nodes.map_index,
        nodes.path_started_at,
        false as is_same_task
    from nodes
    inner join edges
        on
            nodes.structure_number = edges.structure_number
            and nodes.task_number = edges.upstream_task_number
    inner join task_numbers on edges.downstream_task_number = task_numbers.task_number
    where nodes.wait_for_downstream
),

past_ends as (
    select
        awaited_tasks.node_number,
        previous_runs.run_id as past_run_id,
        max(past_instances.ended_at) as past_ended_at
    from awaited_tasks
    inner join previous_runs on awaited_tasks.run_number = previous_runs.run_number
    inner join past_instances
        on
            previous_runs.cluster = past_instances.cluster
            and previous_runs.dag_id = past_instances.dag_id
            and previous_runs.run_id = past_instances.run_id
            and awaited_tasks.task_id = past_instances.task_id
            and (
                not awaited_tasks.is_same_task
                or awaited_tasks.map_index = past_instances.map_index
            )
    group by awaited_tasks.node_number, previous_runs.run_id
),

own_ends as (
    select
        nodes.node_number,
        max(upstream.effective_end_at) as upstream_ended_at
    from nodes
    inner join edges
        on
            nodes.structure_number = edges.structure_number
            and nodes.task_number = edges.downstream_task_number
    inner join ends as upstream
        on
            nodes.run_number = upstream.run_number
            and edges.upstream_task_number = upstream.task_number
            and {{ waits_for_index('edges', 'upstream', 'nodes') }}
    group by nodes.node_number
)

select
    past_ends.node_number,
    past_ends.past_run_id,
    past_ends.past_ended_at
from past_ends
inner join nodes on past_ends.node_number = nodes.node_number
-- a root task waits for the past alone
left join own_ends on past_ends.node_number = own_ends.node_number
where
    past_ends.past_ended_at > nodes.path_started_at
    and past_ends.past_ended_at > coalesce(own_ends.upstream_ended_at, '-infinity')
