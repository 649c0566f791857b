-- Sizes of all limits with the time in which each held. What was never seen to change held always.
{{ config(materialized='table') }}

-- As windsock.toml said at each load.
with parallelism_changes as (
    select *
    from {{ ref('stg_airflow_db__loads') }}
    qualify parallelism_count is distinct from lag(parallelism_count) over (
        partition by cluster
        order by load_number
    )
),

observed as (
    {% for model in ['stg_airflow_db__pools', 'stg_airflow_db__replaced_pools'] -%}
    select
        cluster,
        'pool' as limit_kind,
        pool as limit_name,
        slot_count as size_count,
        includes_deferred,
        seen_at,
        newest_load_number
    from {{ ref(model) }}
    union all
    {% endfor -%}
    {% for model in ['stg_airflow_db__dag_limits', 'stg_airflow_db__replaced_dag_limits'] -%}
    select
        cluster,
        'max_active_tasks' as limit_kind,
        dag_id as limit_name,
        max_active_task_count as size_count,
        false as includes_deferred,
        seen_at,
        newest_load_number
    from {{ ref(model) }}
    union all
    {% endfor -%}
    -- 1.10 says it in the serialized DAG alone
    select
        structures.cluster,
        'max_active_tasks' as limit_kind,
        structures.dag_id as limit_name,
        structures.max_active_task_count as size_count,
        false as includes_deferred,
        structures.first_seen_at as seen_at,
        structures.newest_load_number
    from {{ ref('int_structures__versions') }} as structures
    where (structures.cluster, structures.dag_id) not in (
        select
            dags.cluster,
            dags.dag_id
        from {{ ref('stg_airflow_db__dag_limits') }} as dags
        where dags.max_active_task_count is not null
    )
    union all
    {% for kind, column in [
        ('max_active_tis_per_dag', 'max_active_tis_per_dag'),
        ('max_active_tis_per_dagrun', 'max_active_tis_per_dagrun'),
    ] -%}
    select
        tasks.cluster,
        '{{ kind }}' as limit_kind,
        tasks.dag_id || '.' || tasks.task_id as limit_name,
        tasks.{{ column }} as size_count,
        false as includes_deferred,
        structures.first_seen_at as seen_at,
        tasks.newest_load_number
    from {{ ref('stg_airflow_db__structure_tasks') }} as tasks
    inner join {{ ref('int_structures__versions') }} as structures
        on
            tasks.cluster = structures.cluster
            and tasks.dag_id = structures.dag_id
            and tasks.version_key = structures.version_key
    union all
    {% endfor -%}
    select
        cluster,
        'parallelism' as limit_kind,
        cluster as limit_name,
        parallelism_count as size_count,
        false as includes_deferred,
        observed_at as seen_at,
        load_number as newest_load_number
    from parallelism_changes
),

ordered as (
    select
        *,
        row_number() over changes = 1 as is_first,
        lead(seen_at) over changes as next_seen_at
    from observed
    where size_count is not null
    window changes as (
        partition by cluster, limit_kind, limit_name
        order by seen_at, newest_load_number
    )
)

select
    cluster,
    limit_kind,
    limit_name,

    if(is_first, '-infinity'::timestamp, seen_at) as valid_from_at,
    coalesce(next_seen_at, 'infinity'::timestamp) as valid_until_at,

    size_count,
    includes_deferred
from ordered
-- -1 is no limit
where size_count >= 0
