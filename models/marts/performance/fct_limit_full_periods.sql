-- When which limit was full, rebuilt from the intervals of all that held it. Made anew by day.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__limit_days', ['cluster', 'full_date']) }}",
) }}

-- depends_on: {{ ref('int_changes__limit_days') }}, {{ ref('int_limits__changed_periods') }}

select
    cluster,
    limit_kind,
    limit_name,
    limit_run_id,
    full_date,
    need_count,

    began_at,
    ended_at,

    size_count,
    cast({{ seconds_between('began_at', 'ended_at') }} as double) as full_seconds
from {{ ref('int_limits__full_periods') }}
