-- Of each DAG that takes longer this week the task, and what of it, whose mean share of the observed path
-- grew most. A task that was on no path in one of the two windows counts 0 there: what is new on the path is
-- news as well. DAGs that did not grow have nothing to explain, and leaving them out halves the time.
{{ config(materialized='table') }}

{# With the rest of the handoff, what adds up to a step's segment: docs/critical_path.md, sections 5 and 6. #}
{% set terms = [
    'running', 'retry_wait', 'deferred', 'external_wait', 'past_run_wait', 'limit_wait',
    'scheduler_wait', 'startup_wait',
] %}

with dags as (
    select
        -- grouping millions of steps by a number takes half the time of grouping by two names
        row_number() over (order by cluster, dag_id) as dag_number,
        cluster,
        dag_id,
        recent_run_count,
        before_run_count
    from {{ ref('int_durations__slowdowns') }}
    where slower_seconds > 0 or is_later
),

runs as (
    select
        compared_runs.cluster,
        compared_runs.dag_id,
        compared_runs.run_id,
        compared_runs.started_at,
        compared_runs.is_recent,
        dags.dag_number,
        if(compared_runs.is_recent, dags.before_run_count, -dags.recent_run_count) as weight_count
    from {{ ref('int_durations__compared_runs') }} as compared_runs
    inner join dags
        on compared_runs.cluster = dags.cluster and compared_runs.dag_id = dags.dag_id
),

-- No step of these runs ended before the first of them began: most of history is not joined.
spans as (
    select
        cluster,
        min(started_at) as from_at
    from runs
    group by cluster
),

steps as (
    select
        steps.*,
        cast(round(steps.limit_wait_seconds * 1000000) as bigint) as limit_wait_us,
        -- what of the wait no other term names
        cast(round(1000000 * (
            steps.handoff_seconds - steps.past_run_wait_seconds
            - coalesce(steps.limit_wait_seconds, 0) - coalesce(steps.scheduler_wait_seconds, 0)
            - coalesce(steps.startup_wait_seconds, 0)
        )) as bigint) as other_us
    from {{ ref('fct_critical_path_steps') }} as steps
    inner join spans
        on
            steps.cluster = spans.cluster
            and steps.ended_at >= spans.from_at
    where steps.path_kind = 'finish'
),

-- Growth is the difference of two means over their common denominator: whole numbers, so that what is
-- equal is equal.
growths_by_limit as (
    select
        runs.dag_number,
        steps.task_id,
        steps.limited_by,
        sum(steps.limit_wait_us) filter (where runs.is_recent) as recent_limit_wait_us,
        {% for term in terms %}
        {% set us = 'cast(round(steps.' ~ term ~ '_seconds * 1000000) as bigint)' %}
        coalesce(sum(runs.weight_count * {{ us }}), 0) as {{ term }}_growth,
        {% endfor %}
        sum(runs.weight_count * steps.other_us) as handoff_growth
    from steps
    inner join runs
        on
            steps.cluster = runs.cluster
            and steps.dag_id = runs.dag_id
            and steps.run_id = runs.run_id
    group by runs.dag_number, steps.task_id, steps.limited_by
),

growths as (
    select
        dag_number,
        task_id,
        -- the limit that this week's waits were charged to most, when equal by its name
        arg_min(
            limited_by,
            struct_pack(wait_us := -recent_limit_wait_us, limited_by := limited_by)
        ) filter (where recent_limit_wait_us > 0) as limited_by,
        unnest([
            {% for term in terms %}
            struct_pack(term := '{{ term }}', growth := sum({{ term }}_growth)),
            {% endfor %}
            struct_pack(term := 'handoff', growth := sum(handoff_growth))
        ]) as by_term
    from growths_by_limit
    group by dag_number, task_id
),

greatest_growths as (
    select
        dag_number,
        task_id,
        limited_by,
        by_term.term,
        by_term.growth
    from growths
    where by_term.growth > 0
    qualify row_number() over (
        partition by dag_number
        order by by_term.growth desc, task_id asc, by_term.term asc
    ) = 1
)

select
    dags.cluster,
    dags.dag_id,

    greatest_growths.task_id,
    greatest_growths.term,
    if(greatest_growths.term = 'limit_wait', greatest_growths.limited_by, null) as limited_by,

    greatest_growths.growth / (dags.recent_run_count * dags.before_run_count) / 1000000
        as slower_seconds
from greatest_growths
inner join dags on greatest_growths.dag_number = dags.dag_number
