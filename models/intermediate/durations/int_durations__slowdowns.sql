-- Which DAGs got slower this week, and is it their own work, waiting, the world or a late start?
-- Whether and which is decided by medians and the anomaly rule; how much, is told by means as well, since
-- means of the parts add up to the mean of the whole and medians do not. Rejected: the part whose mean
-- grew most; one odd run of the weeks before, slow for another reason, names the wrong one.
{{ config(materialized='table') }}

{# The anomaly rule: all three must hold. int_durations__patterns takes its yardstick from it too. #}
{% set flag_scales = 3.5 %}          {# lower finds news in noise #}
{% set flag_ratio = 0.2 %}           {# nobody acts on less #}
{% set flag_seconds = 30 %}
{% set mad_to_deviation = 1.4826 %}  {# MAD of a normal distribution to its standard deviation #}
{% set floor_ratio = 0.05 %}         {# durations that hardly vary at all still vary this much #}
{% set floor_seconds = 1.0 %}        {# the scheduler's own jitter #}

with runs as (
    select
        *,
        inherited_seconds + duration_seconds as landing_seconds
    from {{ ref('int_durations__compared_runs') }}
),

measures as (
    select
        cluster,
        dag_id,
        any_value(recent_until_at) as recent_until_at,
        any_value(recent_from_at) as recent_from_at,
        any_value(before_from_at) as before_from_at,
        count(*) filter (where is_recent) as recent_run_count,
        count(*) filter (where not is_recent) as before_run_count,
        {% for side, condition in [('recent', 'is_recent'), ('before', 'not is_recent')] %}
        median(duration_seconds) filter (where {{ condition }}) as {{ side }}_median_seconds,
        quantile_cont(duration_seconds, 0.95) filter (where {{ condition }})
            as {{ side }}_p95_seconds,
        median(landing_seconds) filter (where {{ condition }}) as {{ side }}_landing_median_seconds,
        {% endfor %}
        -- Whole microseconds add up to the same sum in every order, so a rebuild is equal to a bit.
        {% for part in ['own', 'waiting', 'external', 'inherited'] %}
        {% set us = 'cast(round(' ~ part ~ '_seconds * 1000000) as bigint)' %}
        (
            avg({{ us }}) filter (where is_recent) - avg({{ us }}) filter (where not is_recent)
        ) / 1000000 as {{ part }}_slower_seconds,
        median({{ part }}_seconds) filter (where is_recent)
        - median({{ part }}_seconds) filter (where not is_recent) as {{ part }}_median_growth,
        {% endfor %}
        mad(duration_seconds) filter (where not is_recent) as before_mad_seconds,
        mad(landing_seconds) filter (where not is_recent) as before_landing_mad_seconds
    from runs
    group by cluster, dag_id
    having bool_or(is_recent) and not bool_and(is_recent)
),

scaled as (
    select
        *,
        recent_median_seconds - before_median_seconds as slower_seconds,
        recent_landing_median_seconds - before_landing_median_seconds as later_seconds,
        greatest(
            {{ mad_to_deviation }} * before_mad_seconds,
            {{ floor_ratio }} * before_median_seconds,
            {{ floor_seconds }}
        ) as slower_scale_seconds,
        greatest(
            {{ mad_to_deviation }} * before_landing_mad_seconds,
            {{ floor_ratio }} * before_landing_median_seconds,
            {{ floor_seconds }}
        ) as later_scale_seconds
    from measures
),

flagged as (
    select
        *,
        slower_seconds >= greatest(
            {{ flag_scales }} * slower_scale_seconds,
            {{ flag_ratio }} * before_median_seconds,
            {{ flag_seconds }}
        ) as is_slower,
        -- not later where no run says when it was due or queued
        coalesce(
            later_seconds >= greatest(
                {{ flag_scales }} * later_scale_seconds,
                {{ flag_ratio }} * before_landing_median_seconds,
                {{ flag_seconds }}
            ),
            false
        ) as is_later
    from scaled
)

select
    cluster,
    dag_id,

    -- The part whose median grew most, when equal the first of this order. The start counts only where
    -- the DAG lands later than it did.
    case
        when not (is_slower or is_later) then 'not_slower'
        when
            is_later
            and inherited_median_growth
            > greatest(own_median_growth, waiting_median_growth, external_median_growth)
            then 'inherited'
        when own_median_growth >= greatest(waiting_median_growth, external_median_growth)
            then 'own'
        when waiting_median_growth >= external_median_growth then 'waiting'
        else 'external'
    end as slower_kind,

    recent_until_at,
    recent_from_at,
    before_from_at,

    recent_run_count,
    before_run_count,
    recent_median_seconds,
    before_median_seconds,
    recent_p95_seconds,
    before_p95_seconds,
    before_mad_seconds,
    slower_seconds,
    later_seconds,
    slower_seconds / nullif(before_median_seconds, 0) as slower_ratio,
    slower_seconds / slower_scale_seconds as deviation_ratio,
    own_slower_seconds + waiting_slower_seconds + external_slower_seconds as mean_slower_seconds,
    own_slower_seconds,
    waiting_slower_seconds,
    external_slower_seconds,
    inherited_slower_seconds,

    is_slower,
    is_later
from flagged
