-- Full periods that differ from what the last build thought, either way: steps of older runs that waited in
-- them must be charged anew.
{{ config(materialized='table') }}

{%- set built_periods = built_mart('fct_limit_full_periods') %}

with days as (
    select * from {{ ref('int_changes__limit_days') }}
),

present as (
    select * from {{ ref('int_limits__full_periods') }}
),

past as (
    select
        cluster,
        limit_kind,
        limit_name,
        limit_run_id,
        full_date,
        need_count,
        size_count,
        began_at,
        ended_at
    from {{ built_periods if built_periods else 'present' }}
    where {{ '(cluster, full_date) in (select days.cluster, days.full_date from days)' if built_periods else 'false' }}
),

differing as (
    (select * from present except select * from past)
    union all
    (select * from past except select * from present)
)

select
    cluster,
    limit_kind,
    limit_name,
    limit_run_id,

    min(began_at) as began_at,
    max(ended_at) as ended_at
from differing
group by cluster, limit_kind, limit_name, limit_run_id, full_date
