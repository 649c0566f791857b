-- Links in the order in which they held a run up, with the places of both sides on the observed paths of
-- their runs.
{{ config(materialized='table') }}

with links as (
    select * from {{ ref('int_links__found') }}
),

ends as (
    select
        cluster,
        dag_id,
        run_id
    from links
    union
    select
        upstream_cluster as cluster,
        upstream_dag_id as dag_id,
        upstream_run_id as run_id
    from links
    where upstream_run_id is not null
),

path_steps as (
    select
        steps.cluster,
        steps.dag_id,
        steps.run_id,
        steps.task_id,
        steps.map_index,
        steps.step_number
    from {{ ref('fct_critical_path_steps') }} as steps
    semi join ends using (cluster, dag_id, run_id)
    where steps.path_kind = 'finish'
)

select
    links.*,
    row_number() over (
        partition by links.cluster, links.dag_id, links.run_id
        order by
            links.task_id is not null,
            coalesce(links.wait_ended_at, 'infinity'::timestamp),
            links.external_ended_at,
            links.link_kind,
            links.task_id,
            links.map_index,
            links.upstream_cluster,
            links.upstream_dag_id,
            links.upstream_run_id,
            links.upstream_task_ids,
            links.event_number
    ) as link_number,
    own_steps.step_number as path_step_number,
    upstream_steps.step_number as upstream_path_step_number
from links
-- a run that was started as a whole, or a sensor that did not make it late
left join path_steps as own_steps
    on
        links.cluster = own_steps.cluster
        and links.dag_id = own_steps.dag_id
        and links.run_id = own_steps.run_id
        and links.task_id = own_steps.task_id
        and links.map_index = own_steps.map_index
-- what was awaited need not be what made its own run late
left join path_steps as upstream_steps
    on
        links.upstream_cluster = upstream_steps.cluster
        and links.upstream_dag_id = upstream_steps.dag_id
        and links.upstream_run_id = upstream_steps.run_id
        and links.upstream_task_id = upstream_steps.task_id
        and links.upstream_map_index = upstream_steps.map_index
