-- The last model of a build: through which load every mart is made. It is skipped when a mart failed, and
-- then the next build does the same runs again.
{{ config(materialized='table') }}

{# Every mart that a worklist keeps fresh; a test compares this list with the marts. #}
-- depends_on: {{ ref('fct_dag_runs') }}, {{ ref('fct_task_instances') }}, {{ ref('fct_task_attempts') }}
-- depends_on: {{ ref('fct_critical_path_steps') }}, {{ ref('fct_limit_full_periods') }}
-- depends_on: {{ ref('agg_task_durations') }}, {{ ref('agg_dag_durations') }}
-- depends_on: {{ ref('fct_model_path_tasks') }}, {{ ref('fct_task_edges') }}, {{ ref('dim_tasks') }}
-- depends_on: {{ ref('fct_run_links') }}, {{ ref('fct_run_chain_steps') }}
-- depends_on: {{ ref('agg_daily_platform_usage') }}
-- depends_on: {{ ref('agg_dag_latest_runs') }}
-- depends_on: {{ ref('fct_audit_events') }}, {{ ref('fct_dag_version_changes') }}
-- depends_on: {{ ref('agg_daily_limit_waits') }}

select
    cluster,

    observed_at,
    first_event_at,

    newest_load_number
from {{ ref('int_changes__clusters') }}
