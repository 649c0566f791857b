-- Who paused, cleared, triggered, marked or configured what, and what the scheduler had to do by itself.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_audit__events', ['cluster', 'event_id']) }}",
) }}

select
    cluster,
    event_id,

    event_name,
    event_kind,
    actor_name,
    dag_id,
    run_id,
    task_id,
    map_index,
    try_number,
    new_state,

    logical_at,
    happened_at,

    newest_load_number,

    is_paused,
    is_dry_run
from {{ ref('int_audit__events') }}
