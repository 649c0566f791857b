-- From every run back through the runs that held it up: which wait was the last that decided, and what did
-- that run wait for in turn. One row per run on the way, the asked one first (hop 0).
{{ config(materialized='table') }}

with recursive roots as (
    select
        row_number() over () as root_number,
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id,
        dag_runs.path_ended_at
    from {{ ref('int_changes__chain_runs') }} as chain_runs
    inner join {{ ref('fct_dag_runs') }} as dag_runs
        on
            chain_runs.cluster = dag_runs.cluster
            and chain_runs.dag_id = dag_runs.dag_id
            and chain_runs.run_id = dag_runs.run_id
),

links as (
    select
        *,
        link_kind in ('sensor', 'completion') as is_wait
    from {{ ref('fct_run_links') }}
    where upstream_run_id is not null
),

reached_tasks as (
    select * from {{ ref('int_links__reached_tasks') }}
),

hops as (
    select
        root_number,
        0 as hop_number,
        cluster,
        dag_id,
        run_id,
        -- where it is entered: an instance that somebody waited for, null for the end of the run
        null::varchar as entry_task_id,
        null::bigint as entry_map_index,
        null::bigint as entry_step_number,
        path_ended_at as until_at,
        null::bigint as link_number,
        null::timestamp as wait_began_at,
        cast([] as varchar[]) as seen_links
    from roots
    union all
    select
        found.root_number,
        found.hop_number,
        found.hop.cluster,
        found.hop.dag_id,
        found.hop.run_id,
        found.hop.entry_task_id,
        found.hop.entry_map_index,
        found.hop.entry_step_number,
        found.hop.until_at,
        found.hop.link_number,
        found.hop.wait_began_at,
        list_append(found.seen_links, found.hop.seen_link)
    from (
        select
            hops.root_number,
            hops.hop_number + 1 as hop_number,
            any_value(hops.seen_links) as seen_links,
            arg_max(
                struct_pack(
                    cluster := links.upstream_cluster,
                    dag_id := links.upstream_dag_id,
                    run_id := links.upstream_run_id,
                    entry_task_id := links.upstream_task_id,
                    entry_map_index := links.upstream_map_index,
                    entry_step_number := links.upstream_path_step_number,
                    until_at := least(
                        coalesce(links.external_ended_at, hops.until_at),
                        coalesce(links.wait_ended_at, hops.until_at),
                        hops.until_at
                    ),
                    link_number := links.link_number,
                    wait_began_at := links.wait_began_at,
                    seen_link := concat_ws(
                        chr(31), links.cluster, links.dag_id, links.run_id, links.link_number
                    )
                ),
                -- the wait that ended last decided; without one, what made the run start
                struct_pack(
                    is_wait := links.is_wait,
                    wait_ended_at := if(
                        links.is_wait,
                        coalesce(links.wait_ended_at, 'infinity'::timestamp),
                        null
                    ),
                    external_ended_at := coalesce(links.external_ended_at, 'infinity'::timestamp),
                    link_number := -links.link_number
                )
            ) as hop
        from hops
        inner join links
            on
                hops.cluster = links.cluster
                and hops.dag_id = links.dag_id
                and hops.run_id = links.run_id
        -- Whether the task that waited comes before the one that was awaited, where that is not on the
        -- path of its own run.
        left join reached_tasks
            on
                links.cluster = reached_tasks.cluster
                and links.dag_id = reached_tasks.dag_id
                and links.structure_version_key = reached_tasks.version_key
                and links.task_id = reached_tasks.task_id
                and hops.entry_task_id = reached_tasks.reached_task_id
        where
            hops.hop_number < {{ var('chain_hop_count') }}
            and case
                when not links.is_wait then links.external_ended_at <= hops.until_at
                -- what had ended before the wait began did not hold it up
                when links.wait_began_at >= least(
                    coalesce(links.external_ended_at, hops.until_at),
                    coalesce(links.wait_ended_at, hops.until_at),
                    hops.until_at
                ) then false
                when hops.entry_task_id is null then links.path_step_number is not null
                when hops.entry_step_number is not null
                    then links.path_step_number <= hops.entry_step_number
                else
                    reached_tasks.task_id is not null
                    or (
                        links.task_id = hops.entry_task_id
                        and links.map_index = hops.entry_map_index
                    )
            end
            and not list_contains(
                hops.seen_links,
                concat_ws(chr(31), links.cluster, links.dag_id, links.run_id, links.link_number)
            )
        group by hops.root_number, hops.hop_number
    ) as found
)

select
    roots.cluster,
    roots.dag_id,
    roots.run_id,
    hops.hop_number,

    hops.cluster as upstream_cluster,
    hops.dag_id as upstream_dag_id,
    hops.run_id as upstream_run_id,
    hops.entry_task_id,
    hops.entry_map_index,
    -- of the run of the hop before
    hops.link_number,

    hops.wait_began_at,
    hops.until_at
from hops
inner join roots on hops.root_number = roots.root_number
