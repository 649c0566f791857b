-- Does a duration follow the weekday or the hour so plainly that only like should be compared with
-- like? Then this has a row, and the statistics use the bucket of the DAG's newest run alone.
--
-- Plain means: among the buckets with samples of at least 7 different days, the medians of the
-- highest and the lowest differ by at least 3.5 scales and by at least a fifth of the lower; the
-- bucket of the newest run is one of those. A scale is the largest of 1.4826 x the typical MAD
-- inside a bucket, 5 % of the typical median, and 1 second: the anomaly rule's own yardstick.
-- Days are counted, not samples: 24 runs of one Monday are one Monday.
-- Rejected: comparing only the newest bucket with the rest. When weekends are slow, Mondays look
-- like the rest and would be measured together with weekends.
-- Also rejected: the share of variance explained; two slow days a week leave it to the outliers.
{{ config(materialized='table') }}

{# Days of history that are looked at. Longer: slow to forget a pattern; shorter than 7 weeks: no
   weekday ever has 7 days. At most 127, the bits of the number that counts days. #}
{% set lookback_days = 70 %}
{% set bucket_days = 7 %}            {# definitions: at least 7 points in the bucket #}
{% set gap_scales = 3.5 %}           {# the anomaly rule's z; lower finds weekdays in noise #}
{% set gap_ratio = 0.2 %}            {# the anomaly rule's 20 % #}
{% set mad_to_deviation = 1.4826 %}  {# MAD of a normal distribution to its standard deviation #}
{% set floor_ratio = 0.05 %}         {# durations that hardly vary at all still vary this much #}
{% set floor_seconds = 1.0 %}        {# the scheduler's own jitter #}

with samples as (
    select
        cluster,
        dag_id,
        task_id,
        run_started_at,
        duration_seconds
    from {{ ref('int_durations__samples') }}
    where left_out_kind is null
),

changed_dags as (
    select
        cluster,
        dag_id
    from {{ ref('int_changes__dags') }}
),

-- Of any state: a run that goes on now is what the statistics will be compared with.
newest_runs as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        max(dag_runs.started_at) as started_at
    from {{ ref('fct_dag_runs') }} as dag_runs
    semi join changed_dags
        on
            dag_runs.cluster = changed_dags.cluster
            and dag_runs.dag_id = changed_dags.dag_id
    where dag_runs.run_kind is distinct from 'backfill'
    group by dag_runs.cluster, dag_runs.dag_id
),

recent_samples as (
    select
        samples.cluster,
        samples.dag_id,
        samples.task_id,
        samples.duration_seconds,
        isodow(samples.run_started_at) as weekday_number,
        isodow(newest_runs.started_at) as newest_weekday_number,
        hour(samples.run_started_at) as hour_number,
        hour(newest_runs.started_at) as newest_hour_number,
        date_diff('day', samples.run_started_at, newest_runs.started_at) as age_days
    from samples
    -- Instances without a run have no newest run, and no pattern.
    inner join newest_runs
        on
            samples.cluster = newest_runs.cluster
            and samples.dag_id = newest_runs.dag_id
    where
        date_diff('day', samples.run_started_at, newest_runs.started_at)
        between 0 and {{ lookback_days - 1 }}
),

buckets as (
    {% for kind, bucket in [('same_weekday', 'weekday'), ('same_hour', 'hour')] -%}
    select
        cluster,
        dag_id,
        task_id,
        '{{ kind }}' as basis_kind,
        newest_{{ bucket }}_number as newest_bucket_number,
        {{ bucket }}_number as bucket_number,
        median(duration_seconds) as median_seconds,
        mad(duration_seconds) as mad_seconds
    from recent_samples
    group by
        cluster, dag_id, task_id, newest_{{ bucket }}_number, {{ bucket }}_number
    having bit_count(bit_or(cast(1 as hugeint) << age_days)) >= {{ bucket_days }}
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

contrasts as (
    select
        cluster,
        dag_id,
        task_id,
        basis_kind,
        newest_bucket_number,
        max(median_seconds) as highest_seconds,
        min(median_seconds) as lowest_seconds,
        greatest(
            {{ mad_to_deviation }} * median(mad_seconds),
            {{ floor_ratio }} * median(median_seconds),
            {{ floor_seconds }}
        ) as scale_seconds
    from buckets
    group by cluster, dag_id, task_id, basis_kind, newest_bucket_number
    having bool_or(bucket_number = newest_bucket_number)
),

plain_patterns as (
    select
        cluster,
        dag_id,
        task_id,
        basis_kind,
        newest_bucket_number as bucket_number,
        (highest_seconds - lowest_seconds) / scale_seconds as contrast_ratio
    from contrasts
    where
        highest_seconds - lowest_seconds >= {{ gap_scales }} * scale_seconds
        and highest_seconds - lowest_seconds >= {{ gap_ratio }} * lowest_seconds
)

select
    cluster,
    dag_id,
    task_id,

    basis_kind,
    bucket_number
from plain_patterns
-- Both plain: the stronger contrast; the weekday where they are equal.
qualify row_number() over (
    partition by cluster, dag_id, task_id
    order by contrast_ratio desc, basis_kind desc
) = 1
