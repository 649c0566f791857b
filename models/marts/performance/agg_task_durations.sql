-- How long does a task take? The yardstick of every comparison of one run with the usual.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__dags', ['cluster', 'dag_id']) }}",
) }}
-- depends_on: {{ ref('int_changes__dags') }}, which the hook reads

with statistics as (
    select * from {{ ref('int_durations__statistics') }}
)

select
    cluster,
    dag_id,
    task_id,

    basis_kind,

    oldest_sample_at,
    newest_sample_at,

    sample_count,
    min_seconds,
    mean_seconds,
    median_seconds,
    p95_seconds,
    max_seconds,
    mad_seconds,
    spread_median_seconds,
    try_mean_count,

    manual_count,
    backfill_count,
    rerun_count,
    marked_count,
    lost_count
from statistics
where task_id is not null
