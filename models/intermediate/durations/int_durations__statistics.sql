-- The statistics of tasks and of whole runs, computed once for both marts.
-- The newest samples come out of an aggregate that keeps 30 values: less than half the time of a
-- window on millions of instances. Its values are rows, so "newest" is a total order: start of the
-- run, then run id.
{{ config(materialized='table') }}

{% set latest %}
    max(
        {
            'run_started_at': samples.run_started_at,
            'run_id': samples.run_id,
            'duration_seconds': samples.duration_seconds,
            'spread_seconds': samples.spread_seconds,
            'try_count': samples.try_count,
            'is_manual': coalesce(samples.run_kind = 'manual', false)
        },
        {{ var('basis_sample_count') }}
    ) filter (where samples.left_out_kind is null)
{%- endset %}

-- Not materialized: copying every sample of the warehouse takes longer than reading it twice.
with samples as not materialized (
    select * from {{ ref('int_durations__samples') }}
),

patterns as (
    select * from {{ ref('int_durations__patterns') }}
),

all_successes as (
    select
        samples.cluster,
        samples.dag_id,
        samples.task_id,
        {{ latest }} as latest_samples,
        count(*) filter (where samples.left_out_kind = 'backfill') as backfill_count,
        count(*) filter (where samples.left_out_kind = 'rerun') as rerun_count,
        count(*) filter (where samples.left_out_kind = 'marked') as marked_count,
        count(*) filter (where samples.left_out_kind = 'lost') as lost_count
    from samples
    group by samples.cluster, samples.dag_id, samples.task_id
),

bucket_successes as (
    select
        samples.cluster,
        samples.dag_id,
        samples.task_id,
        patterns.basis_kind,
        {{ latest }} as latest_samples
    from samples
    inner join patterns
        on
            samples.cluster = patterns.cluster
            and samples.dag_id = patterns.dag_id
            and samples.task_id is not distinct from patterns.task_id
    where
        patterns.bucket_number = if(
            patterns.basis_kind = 'same_weekday',
            isodow(samples.run_started_at),
            hour(samples.run_started_at)
        )
    group by samples.cluster, samples.dag_id, samples.task_id, patterns.basis_kind
),

bases as (
    select
        all_successes.cluster,
        all_successes.dag_id,
        all_successes.task_id,
        coalesce(bucket_successes.basis_kind, 'latest_30') as basis_kind,
        coalesce(bucket_successes.latest_samples, all_successes.latest_samples) as latest_samples,
        all_successes.backfill_count,
        all_successes.rerun_count,
        all_successes.marked_count,
        all_successes.lost_count
    from all_successes
    -- Most durations follow no bucket.
    left join bucket_successes
        on
            all_successes.cluster = bucket_successes.cluster
            and all_successes.dag_id = bucket_successes.dag_id
            and all_successes.task_id is not distinct from bucket_successes.task_id
),

basis_samples as (
    select
        cluster,
        dag_id,
        task_id,
        unnest(latest_samples, recursive := true)
    from bases
),

measures as (
    select
        cluster,
        dag_id,
        task_id,
        count(*) as sample_count,
        count(*) filter (where is_manual) as manual_count,
        min(run_started_at) as oldest_sample_at,
        max(run_started_at) as newest_sample_at,
        min(duration_seconds) as min_seconds,
        -- Whole microseconds add up to the same sum in every order, so a rebuild is equal to a bit.
        avg(cast(round(duration_seconds * 1000000) as bigint)) / 1000000 as mean_seconds,
        median(duration_seconds) as median_seconds,
        quantile_cont(duration_seconds, 0.95) as p95_seconds,
        max(duration_seconds) as max_seconds,
        mad(duration_seconds) as mad_seconds,
        median(spread_seconds) as spread_median_seconds,
        avg(try_count) as try_mean_count
    from basis_samples
    group by cluster, dag_id, task_id
)

select
    bases.cluster,
    bases.dag_id,
    bases.task_id,

    bases.basis_kind,

    measures.oldest_sample_at,
    measures.newest_sample_at,

    coalesce(measures.sample_count, 0) as sample_count,
    measures.min_seconds,
    measures.mean_seconds,
    measures.median_seconds,
    measures.p95_seconds,
    measures.max_seconds,
    measures.mad_seconds,
    measures.spread_median_seconds,
    measures.try_mean_count,

    coalesce(measures.manual_count, 0) as manual_count,
    bases.backfill_count,
    bases.rerun_count,
    bases.marked_count,
    bases.lost_count
from bases
-- Without a single sample that counts there are only counts of what was left out.
left join measures
    on
        bases.cluster = measures.cluster
        and bases.dag_id = measures.dag_id
        and bases.task_id is not distinct from measures.task_id
