-- The latest runs of each DAG, side by side: the row of marks beside a DAG's name. Kept apart from
-- dim_search_entries, which is made anew in every build: this one looks only at DAGs that changed.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__dags', ['cluster', 'dag_id']) }}",
) }}

{% set shown_run_count = 15 %}  {# as many marks as fit beside a name at 1280 px #}

with changed_dags as (
    select
        cluster,
        dag_id
    from {{ ref('int_changes__dags') }}
),

-- The order of dim_dags' last run: by what began last, so that a backfill that runs now is the latest.
runs as (
    select
        dag_runs.cluster,
        dag_runs.dag_id,
        struct_pack(
            began_at := coalesce(
                dag_runs.started_at,
                dag_runs.queued_at,
                dag_runs.logical_at,
                '-infinity'::timestamp
            ),
            run_id := dag_runs.run_id,
            run_kind := dag_runs.run_kind,
            state := dag_runs.state,
            started_at := dag_runs.started_at,
            duration_seconds := dag_runs.duration_seconds
        ) as run
    from {{ ref('fct_dag_runs') }} as dag_runs
    semi join changed_dags
        on
            dag_runs.cluster = changed_dags.cluster
            and dag_runs.dag_id = changed_dags.dag_id
),

latest as (
    select
        cluster,
        dag_id,
        max(run, {{ shown_run_count }}) as newest_first
    from runs
    group by cluster, dag_id
)

select
    cluster,
    dag_id,

    list_transform(
        list_reverse(newest_first),
        lambda run: struct_pack(
            run_id := run.run_id,
            run_kind := run.run_kind,
            state := run.state,
            started_at := run.started_at,
            duration_seconds := run.duration_seconds
        )
    ) as latest_runs
from latest
