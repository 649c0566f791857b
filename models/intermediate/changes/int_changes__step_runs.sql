-- Runs whose steps are made anew: those of the worklist, and older ones that waited while a limit was full
-- otherwise than the last build thought.
{{ config(materialized='table') }}

{%- set built_steps = built_mart('fct_critical_path_steps') %}

with worklist as (
    select
        cluster,
        dag_id,
        run_id
    from {{ ref('int_changes__runs') }}
),

changed as (
    select * from {{ ref('int_limits__changed_periods') }}
)

select
    cluster,
    dag_id,
    run_id,

    true as is_in_worklist
from worklist
{% if built_steps -%}
union all
select distinct
    steps.cluster,
    steps.dag_id,
    steps.run_id,

    false as is_in_worklist
from {{ built_steps }} as steps
inner join changed
    on
        steps.cluster = changed.cluster
        and steps.ready_at < changed.ended_at
        and steps.queued_at > changed.began_at
        and changed.limit_run_id in ('', steps.run_id)
        and case changed.limit_kind
            when 'pool' then steps.pool = changed.limit_name
            when 'max_active_tasks' then steps.dag_id = changed.limit_name
            when 'parallelism' then true
            else steps.dag_id || '.' || steps.task_id = changed.limit_name
        end
anti join worklist
    on
        steps.cluster = worklist.cluster
        and steps.dag_id = worklist.dag_id
        and steps.run_id = worklist.run_id
where not steps.is_scheduler_made
{%- endif %}
