-- Which try started which run. Airflow records no such thing before it is asked to (the id of the run is in
-- XCom): a run that was made while a task ran that makes runs of its DAG came from that task. Small enough
-- to be found anew with every build: only tasks that start runs, and DAGs that they start.
{{ config(materialized='table') }}

{#- Workers and the database server need not have the same clock. -#}
{%- set tolerance = "to_seconds(" ~ var('link_clock_tolerance_seconds') ~ ")" %}

with tries as (
    select
        *,
        row_number() over (
            order by cluster, dag_id, run_id, task_id, map_index, try_number
        ) as try_place
    from {{ ref('int_links__trigger_tries') }}
),

started_runs as (
    select
        cluster,
        dag_id,
        run_id,
        triggered_by,
        logical_at,
        -- before 2.1 a run starts when it is made
        coalesce(queued_at, started_at) as made_at,
        coalesce(ended_at, deleted_at) as ended_at,
        row_number() over (order by cluster, dag_id, run_id) as run_place
    from {{ ref('stg_airflow_db__dag_runs') }}
    where
        run_kind = 'manual'
        -- only 3.x records it
        and coalesce(triggered_by, 'operator') = 'operator'
        and (
            triggered_by is not null
            or (cluster, dag_id) in (
                select
                    tries.cluster,
                    tries.trigger_dag_id
                from tries
            )
        )
),

-- A clear moves the time at which a run was made, and an author may set its logical date: where nobody
-- did, both lie in the try.
instants as (
    select
        cluster,
        dag_id,
        run_place,
        made_at as instant_at
    from started_runs
    union
    select
        cluster,
        dag_id,
        run_place,
        logical_at as instant_at
    from started_runs
),

-- By the hour, so that the join is one on equal values.
hours as (
    select
        tries.*,
        cast(unnest(generate_series(
            date_trunc('hour', began_at - {{ tolerance }}),
            date_trunc('hour', until_at + {{ tolerance }}),
            interval 1 hour
        )) as timestamp) as hour_at
    from tries
),

candidates as (
    select
        instants.run_place,
        hours.try_place,
        max(instants.instant_at) as instant_at
    from instants
    inner join hours
        on
            instants.cluster = hours.cluster
            and instants.dag_id = hours.trigger_dag_id
            and date_trunc('hour', instants.instant_at) = hours.hour_at
            and instants.instant_at between
            hours.began_at - {{ tolerance }} and hours.until_at + {{ tolerance }}
    group by instants.run_place, hours.try_place
),

-- Several at once (catch-up, mapped tasks): the first to begin made the first run, as long as there are as
-- many tries as runs among those that overlap; else the last that began before.
marked_tries as (
    select
        *,
        coalesce(
            -- a run may be a candidate of both where their times with the tolerance meet
            began_at - {{ tolerance }} > max(until_at) over (
                partition by cluster, trigger_dag_id
                order by began_at, try_place
                rows between unbounded preceding and 1 preceding
            ) + {{ tolerance }},
            true
        ) as is_first_of_crowd
    from tries
    where try_place in (select candidates.try_place from candidates)
),

crowds as (
    select
        *,
        count(*) filter (where is_first_of_crowd) over (
            partition by cluster, trigger_dag_id
            order by began_at, try_place
            rows between unbounded preceding and current row
        ) as crowd_number
    from marked_tries
),

numbered_tries as (
    select
        *,
        row_number() over (
            partition by cluster, trigger_dag_id, crowd_number
            order by began_at, try_place
        ) as place_in_crowd,
        count(*) over (partition by cluster, trigger_dag_id, crowd_number) as crowd_try_count
    from crowds
),

run_crowds as (
    select
        candidates.run_place,
        min(tries.crowd_number) as crowd_number,
        max(candidates.instant_at) as instant_at,
        any_value(tries.cluster) as cluster,
        any_value(tries.trigger_dag_id) as trigger_dag_id,
        count(*) as candidate_count
    from candidates
    inner join numbered_tries as tries on candidates.try_place = tries.try_place
    group by candidates.run_place
),

numbered_runs as (
    select
        *,
        row_number() over (
            partition by cluster, trigger_dag_id, crowd_number
            order by instant_at, run_place
        ) as place_in_crowd,
        count(*) over (partition by cluster, trigger_dag_id, crowd_number) as crowd_run_count
    from run_crowds
),

chosen as (
    select
        candidates.run_place,
        arg_max(candidates.try_place, struct_pack(
            has_its_place := numbered_runs.crowd_run_count = tries.crowd_try_count
            and numbered_runs.crowd_number = tries.crowd_number
            and numbered_runs.place_in_crowd = tries.place_in_crowd,
            has_begun := tries.began_at <= candidates.instant_at,
            began_at := tries.began_at,
            try_place := tries.try_place
        )) as try_place
    from candidates
    inner join numbered_runs on candidates.run_place = numbered_runs.run_place
    inner join numbered_tries as tries on candidates.try_place = tries.try_place
    group by candidates.run_place
)

select
    started_runs.cluster,
    started_runs.dag_id,
    started_runs.run_id,

    tries.dag_id as trigger_dag_id,
    tries.run_id as trigger_run_id,
    tries.task_id as trigger_task_id,
    tries.map_index as trigger_map_index,
    tries.wait_state as trigger_state,
    tries.structure_version_key as trigger_version_key,

    least(greatest(candidates.instant_at, tries.began_at), tries.until_at) as made_at,
    tries.ended_at as trigger_ended_at,
    started_runs.ended_at as run_ended_at,

    coalesce(numbered_runs.candidate_count, 0) as candidate_count
from started_runs
-- made by a person, or by a task that computes the DAG's id
left join chosen on started_runs.run_place = chosen.run_place
left join numbered_runs on started_runs.run_place = numbered_runs.run_place
left join candidates
    on chosen.run_place = candidates.run_place and chosen.try_place = candidates.try_place
left join tries on chosen.try_place = tries.try_place
where tries.dag_id is not null or started_runs.triggered_by = 'operator'
