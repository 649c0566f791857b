-- Tries of touched instances, each once, from wherever they were recorded: Airflow's history (2.10 and
-- later), the live row, images that Windsock saw before they were overwritten, failures that releases
-- before 2.10 log. Reschedules and deferrals stay inside one try.
{{ config(materialized='table') }}

with nodes as (
    select * from {{ ref('int_attempts__instances') }}
),

clusters as (
    select * from {{ ref('int_changes__clusters') }}
),

live_rows as (
    select
        nodes.node_number,
        if(
            nodes.state in ('deferred', 'up_for_reschedule') and clusters.is_try_counted_at_start,
            -- these states take one back before 2.10
            nodes.recorded_try_number + 1,
            greatest(nodes.recorded_try_number, 1)
        ) as try_number,
        if(nodes.state = 'up_for_retry', 'failed', nodes.state) as state,
        nodes.host_name,
        nodes.pool,
        nodes.pool_slot_count,
        nodes.job_number,
        nodes.scheduled_at,
        nodes.queued_at,
        nodes.started_at,
        if(
            nodes.state in ('success', 'failed', 'skipped', 'up_for_retry'), nodes.ended_at, null
        ) as ended_at,
        nodes.heartbeat_at,
        nodes.newest_load_number,
        1 as preference_number
    from nodes
    inner join clusters on nodes.cluster = clusters.cluster
    where
        nodes.started_at is not null
        and nodes.state is not null
        and nodes.state not in ('scheduled', 'queued')
        and {{ has_begun(
            'nodes.state',
            'nodes.was_picked_up',
            'nodes.may_be_empty and (nodes.recorded_try_number > 0 or clusters.is_try_counted_at_start)'
        ) }}
),

kept_rows as (
    {% for model, preference in [
        ('stg_airflow_db__task_instance_history', 0),
        ('stg_airflow_db__replaced_task_instances', 2),
    ] -%}
    select
        nodes.node_number,
        case
            when kept.state in ('deferred', 'up_for_reschedule') and clusters.is_try_counted_at_start
                then kept.recorded_try_number + 1
            else greatest(kept.recorded_try_number, 1)
        end as try_number,
        if(kept.state = 'up_for_retry', 'failed', kept.state) as state,
        kept.host_name,
        kept.pool,
        kept.pool_slot_count,
        kept.job_number,
        kept.scheduled_at,
        kept.queued_at,
        kept.started_at,
        kept.ended_at,
        kept.heartbeat_at,
        kept.newest_load_number,
        {{ preference }} as preference_number
    from {{ ref(model) }} as kept
    inner join nodes
        on
            kept.cluster = nodes.cluster
            and kept.dag_id = nodes.dag_id
            and kept.run_id = nodes.run_id
            and kept.task_id = nodes.task_id
            and kept.map_index = nodes.map_index
    inner join clusters on nodes.cluster = clusters.cluster
    where
        kept.started_at is not null
        and kept.state is not null
        and kept.state not in ('scheduled', 'queued')
        and {{ has_begun(
            'kept.state',
            'kept.was_picked_up',
            'nodes.may_be_empty and (kept.recorded_try_number > 0 or clusters.is_try_counted_at_start)'
        ) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

-- Waiting to be queued or picked up (again): the dates are those of an execution before.
waiting_nodes as (
    select
        nodes.*,
        clusters.is_try_counted_at_start
    from nodes
    inner join clusters on nodes.cluster = clusters.cluster
    where
        nodes.started_at is not null
        and (nodes.state is null or nodes.state in ('scheduled', 'queued'))
        and nodes.was_picked_up
),

logged_failures as (
    select
        waiting_nodes.node_number
    from waiting_nodes
    inner join {{ ref('stg_airflow_db__task_failures') }} as failures
        on
            waiting_nodes.cluster = failures.cluster
            and waiting_nodes.dag_id = failures.dag_id
            and waiting_nodes.run_id = failures.run_id
            and waiting_nodes.task_id = failures.task_id
            and waiting_nodes.map_index = failures.map_index
            and waiting_nodes.started_at = failures.started_at
),

poked_nodes as (
    select distinct
        waiting_nodes.node_number
    from waiting_nodes
    inner join {{ ref('stg_airflow_db__task_reschedules') }} as reschedules
        on
            waiting_nodes.cluster = reschedules.cluster
            and waiting_nodes.dag_id = reschedules.dag_id
            and waiting_nodes.run_id = reschedules.run_id
            and waiting_nodes.task_id = reschedules.task_id
            and waiting_nodes.map_index = reschedules.map_index
    where
        waiting_nodes.is_sensor
        and waiting_nodes.state is not null
        and (
            not waiting_nodes.is_try_counted_at_start
            or reschedules.try_number = waiting_nodes.recorded_try_number + 1
        )
),

waiting_kinds as (
    select
        waiting_nodes.*,
        case
            when logged_failures.node_number is not null then 'failed'
            when poked_nodes.node_number is not null then 'up_for_reschedule'
            when waiting_nodes.ended_at is null and waiting_nodes.state is not null then 'deferred'
        end as waits_since,
        -- nothing queued it again for another try
        waiting_nodes.state is null
        or poked_nodes.node_number is not null
        or waiting_nodes.ended_at is null as is_of_this_try
    from waiting_nodes
    left join logged_failures on waiting_nodes.node_number = logged_failures.node_number
    left join poked_nodes on waiting_nodes.node_number = poked_nodes.node_number
    -- history has the execution itself
    anti join kept_rows
        on
            waiting_nodes.node_number = kept_rows.node_number
            and waiting_nodes.started_at = kept_rows.started_at
),

current_rows as (
    select * from live_rows
    union all
    select
        node_number,
        case
            when waits_since in ('up_for_reschedule', 'deferred')
                then greatest(recorded_try_number + if(is_try_counted_at_start, 1, 0), 1)
            else greatest(recorded_try_number - if(is_try_counted_at_start, 0, 1), 1)
        end as try_number,
        waits_since as state,
        host_name,
        pool,
        pool_slot_count,
        job_number,
        if(is_of_this_try, scheduled_at, null) as scheduled_at,
        if(is_of_this_try, queued_at, null) as queued_at,
        started_at,
        if(waits_since in ('up_for_reschedule', 'deferred'), null, ended_at) as ended_at,
        heartbeat_at,
        newest_load_number,
        1 as preference_number
    from waiting_kinds
    where waits_since is not null or ended_at is not null
),

-- Before 2.10 only: later releases keep every try.
failures as (
    select
        nodes.node_number,
        failures.started_at,
        failures.ended_at,
        failures.newest_load_number,
        nodes.pool,
        nodes.pool_slot_count,
        numbered.try_number as newest_try_number,
        row_number() over (
            partition by nodes.node_number
            order by failures.started_at desc
        ) as age_number
    from {{ ref('stg_airflow_db__task_failures') }} as failures
    inner join nodes
        on
            failures.cluster = nodes.cluster
            and failures.dag_id = nodes.dag_id
            and failures.run_id = nodes.run_id
            and failures.task_id = nodes.task_id
            and failures.map_index = nodes.map_index
    inner join clusters
        on nodes.cluster = clusters.cluster and clusters.is_try_counted_at_start
    inner join current_rows as numbered
        on nodes.node_number = numbered.node_number and failures.started_at < numbered.started_at
),

other_rows as (
    select * from kept_rows
    union all
    select
        node_number,
        newest_try_number - age_number as try_number,
        'failed' as state,
        null as host_name,
        pool,
        pool_slot_count,
        null as job_number,
        null as scheduled_at,
        null as queued_at,
        started_at,
        ended_at,
        null as heartbeat_at,
        newest_load_number,
        3 as preference_number
    from failures
    where newest_try_number > age_number
),

retried_nodes as (
    select distinct node_number
    from other_rows
),

-- Most instances have one try, which stands in the live row alone.
retried_rows as (
    select * from other_rows
    union all
    select *
    from current_rows
    semi join retried_nodes using (node_number)
),

-- The same try may stand in history, in the live row and in an image of it while it ran.
retried_tries as (
    select * replace (
        -- an image may know what another does not
        max(heartbeat_at) over (partition by node_number, try_number) as heartbeat_at
    )
    from retried_rows
    qualify row_number() over (
        partition by node_number, try_number
        order by
            -- an image from while it ran does not know the end
            if(preference_number = 2 and ended_at is null, 4, preference_number),
            ended_at desc nulls last,
            started_at,
            newest_load_number desc
    ) = 1
)

select
    node_number,
    try_number,

    state,
    host_name,
    pool,
    job_number,

    scheduled_at,
    queued_at,
    started_at,
    ended_at,
    heartbeat_at,

    pool_slot_count,
    newest_load_number,

    false as is_from_failure_log,
    true as is_only
from current_rows
anti join retried_nodes using (node_number)
union all
select
    node_number,
    try_number,

    state,
    host_name,
    pool,
    job_number,

    scheduled_at,
    queued_at,
    started_at,
    ended_at,
    heartbeat_at,

    pool_slot_count,
    newest_load_number,

    preference_number = 3 as is_from_failure_log,
    false as is_only
from retried_tries
