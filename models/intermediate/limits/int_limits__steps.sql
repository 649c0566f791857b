-- Steps whose waits are charged in this build, in the columns of the mart: those of the worklist, and
-- those of older runs as the last build left them.
{{ config(materialized='table') }}

{%- set built_steps = built_mart('fct_critical_path_steps') %}
{%- set columns = [
    'cluster', 'dag_id', 'run_id', 'path_kind', 'step_number', 'task_id', 'map_index',
    'pool', 'waits_basis', 'structure_basis', 'gated_by_run_id',
    'ready_at', 'queued_at', 'started_at', 'ended_at',
    'pool_slot_count', 'handoff_seconds', 'past_run_wait_seconds', 'external_wait_seconds',
    'running_seconds', 'retry_wait_seconds', 'deferred_seconds',
    'is_scheduler_made', 'has_missing_tries', 'has_clock_skew', 'has_unknown_deferral', 'was_lost',
] %}

-- depends_on: {{ ref('int_changes__step_runs') }}

with worklist as (
    select * from {{ ref('int_changes__runs') }}
),

found_steps as (
    select
        worklist.cluster,
        worklist.dag_id,
        worklist.run_id,
        steps.* exclude (ready_at),
        steps.segment_began_at as ready_at,
        steps.segment_ended_at as ended_at,
        steps.handoff_us / 1000000.0 as handoff_seconds,
        {{ seconds_between('steps.segment_began_at', 'steps.ready_at') }} as past_run_wait_seconds,
        steps.external_wait_us / 1000000.0 as external_wait_seconds,
        steps.running_us / 1000000.0 as running_seconds,
        steps.retry_wait_us / 1000000.0 as retry_wait_seconds,
        steps.deferred_us / 1000000.0 as deferred_seconds
    from {{ ref('int_critical_path__steps') }} as steps
    inner join worklist on steps.run_number = worklist.run_number
){% if built_steps %},

older_runs as (
    select
        cluster,
        dag_id,
        run_id
    from {{ ref('int_changes__step_runs') }}
    where not is_in_worklist
)
{%- endif %}

select {{ columns | join(', ') }}
from found_steps
{% if built_steps -%}
union all
select {{ columns | join(', ') }}
from {{ built_steps }}
semi join older_runs using (cluster, dag_id, run_id)
{%- endif %}
