-- For every sensor whose links are made anew: the run that has the logical date it looked for, and every
-- instance there that it waited for, with the end that let it go on.
{{ config(materialized='table') }}

{#- Workers need not have the same clock. -#}
{%- set tolerance = "to_seconds(" ~ var('link_clock_tolerance_seconds') ~ ")" %}

with sensors as (
    select
        *,
        row_number() over () as wait_number,
        upstream_task_ids is null and upstream_task_group_id is null as is_for_run
    from {{ ref('int_links__sensors') }}
    semi join {{ ref('int_changes__link_runs') }} using (cluster, dag_id, run_id)
),

-- Airflow lets a DAG have one run of a logical date; a deleted one may have had it before.
waits as (
    select
        sensors.*,
        dag_runs.run_id as upstream_run_id,
        dag_runs.version_key as upstream_version_key,
        dag_runs.state as upstream_state,
        dag_runs.ended_at as upstream_ended_at,
        dag_runs.was_rerun or dag_runs.deleted_at is not null as was_upstream_changed
    from sensors
    -- the run may not have been made yet, or has another logical date
    left join {{ ref('fct_dag_runs') }} as dag_runs
        on
            sensors.upstream_cluster = dag_runs.cluster
            and sensors.upstream_dag_id = dag_runs.dag_id
            and sensors.upstream_logical_at = dag_runs.logical_at
    qualify row_number() over (
        partition by sensors.wait_number
        order by
            coalesce(dag_runs.deleted_at >= sensors.wait_began_at, dag_runs.deleted_at is null) desc,
            dag_runs.started_at desc nulls last,
            dag_runs.run_id
    ) = 1
),

awaited_tasks as (
    select
        wait_number,
        unnest(upstream_task_ids) as task_id
    from waits
    where upstream_run_id is not null and upstream_task_ids is not null
    union
    select
        waits.wait_number,
        group_tasks.task_id
    from waits
    inner join {{ ref('int_links__group_tasks') }} as group_tasks
        on
            waits.upstream_cluster = group_tasks.cluster
            and waits.upstream_dag_id = group_tasks.dag_id
            and waits.upstream_version_key = group_tasks.version_key
            and waits.upstream_task_group_id = group_tasks.task_group_id
    where waits.upstream_run_id is not null
),

keys as (
    select
        waits.wait_number,
        waits.upstream_cluster as cluster,
        waits.upstream_dag_id as dag_id,
        waits.upstream_run_id as run_id,
        awaited_tasks.task_id,
        waits.was_satisfied,
        waits.wait_ended_at
    from awaited_tasks
    inner join waits on awaited_tasks.wait_number = waits.wait_number
),

-- Of an instance that ran its tries, of another what the scheduler stamped on it.
ends as (
    select
        keys.wait_number,
        tries.task_id,
        tries.map_index,
        tries.state,
        tries.ended_at
    from keys
    inner join {{ ref('fct_task_attempts') }} as tries
        on
            keys.cluster = tries.cluster
            and keys.dag_id = tries.dag_id
            and keys.run_id = tries.run_id
            and keys.task_id = tries.task_id
    union all
    select
        keys.wait_number,
        instances.task_id,
        instances.map_index,
        instances.state,
        if(instances.has_run, null, instances.ended_at) as ended_at
    from keys
    inner join {{ ref('fct_task_instances') }} as instances
        on
            keys.cluster = instances.cluster
            and keys.dag_id = instances.dag_id
            and keys.run_id = instances.run_id
            and keys.task_id = instances.task_id
    union all
    select
        wait_number,
        null as task_id,
        null as map_index,
        upstream_state as state,
        upstream_ended_at as ended_at
    from waits
    where is_for_run and upstream_run_id is not null
),

-- A sensor that was satisfied saw the last end before its own, a success where there was one (which other
-- states it allows is not landed); one that was not would have been by a success alone.
instance_ends as (
    select
        ends.wait_number,
        ends.task_id,
        ends.map_index,
        coalesce(
            max(ends.ended_at) filter (
                where
                    ends.state = 'success'
                    and (
                        not waits.was_satisfied
                        or ends.ended_at <= waits.wait_ended_at + {{ tolerance }}
                    )
            ),
            max(ends.ended_at) filter (
                where waits.was_satisfied and ends.ended_at <= waits.wait_ended_at + {{ tolerance }}
            )
        ) as ended_at
    from ends
    inner join waits on ends.wait_number = waits.wait_number
    group by ends.wait_number, ends.task_id, ends.map_index
),

last_ends as (
    select
        wait_number,
        -- the wait is over when the last of them has ended
        if(count(*) = count(ended_at), max(ended_at), null) as ended_at,
        arg_max(
            struct_pack(task_id := task_id, map_index := map_index),
            struct_pack(ended_at := ended_at, task_id := task_id, map_index := map_index)
        ) filter (where ended_at is not null) as last_one
    from instance_ends
    group by wait_number
)

select
    waits.cluster,
    waits.dag_id,
    waits.run_id,
    waits.task_id,
    waits.map_index,

    -- Without what it waited for, or satisfied before that had ended (and did not end twice): it looked at
    -- another run, as execution_delta and execution_date_fn make it, which Airflow does not serialize.
    last_ends.wait_number is not null
    and not (
        waits.was_satisfied
        and last_ends.ended_at is null
        and not coalesce(waits.was_upstream_changed, false)
    ) as is_found,
    waits.link_basis,
    waits.wait_state,
    waits.structure_version_key,
    waits.upstream_cluster,
    waits.upstream_dag_id,
    waits.upstream_run_id,
    waits.upstream_task_ids,
    waits.upstream_task_group_id,
    if(last_ends.ended_at is null, null, last_ends.last_one.task_id) as upstream_task_id,
    if(last_ends.ended_at is null, null, last_ends.last_one.map_index) as upstream_map_index,

    waits.upstream_logical_at,
    waits.wait_began_at,
    waits.wait_ended_at,
    last_ends.ended_at as external_ended_at,

    waits.was_satisfied
from waits
-- no run, or none of its instances
left join last_ends on waits.wait_number = last_ends.wait_number
