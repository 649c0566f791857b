-- Every limit with the size that it has now, and those that are there without Windsock knowing a size.
with pools as (
    select * from {{ ref('stg_airflow_db__pools') }}
),

dags as (
    select
        cluster,
        dag_id,
        is_active
    from {{ ref('stg_airflow_db__dags') }}
),

clusters as (
    select * from {{ ref('int_changes__clusters') }}
),

latest_tasks as (
    select
        tasks.cluster,
        tasks.dag_id,
        tasks.task_id,
        tasks.pool,
        tasks.max_active_per_dag_count,
        tasks.max_active_per_run_count,
        coalesce(dags.is_active, false) as is_active
    from {{ ref('dim_tasks') }} as tasks
    -- a DAG that Airflow forgot, with the structure it had last
    left join dags on tasks.cluster = dags.cluster and tasks.dag_id = dags.dag_id
    where tasks.is_in_latest_structure
),

sizes as (
    select * from {{ ref('int_limits__sizes') }}
    where valid_until_at = 'infinity'::timestamp
),

limits as (
    select
        cluster,
        'pool' as limit_kind,
        pool as limit_name,
        null as dag_id,
        null as task_id,
        slot_count as size_count,
        includes_deferred,
        deleted_at is null as is_in_force
    from pools
    union all
    -- a task asks for a pool that is not there: it waits for ever
    select distinct
        latest_tasks.cluster,
        'pool' as limit_kind,
        latest_tasks.pool as limit_name,
        null as dag_id,
        null as task_id,
        null as size_count,
        null as includes_deferred,
        false as is_in_force
    from latest_tasks
    anti join pools
        on latest_tasks.cluster = pools.cluster and latest_tasks.pool = pools.pool
    where latest_tasks.pool is not null and latest_tasks.is_active
    union all
    select
        sizes.cluster,
        sizes.limit_kind,
        sizes.limit_name,
        sizes.limit_name as dag_id,
        null as task_id,
        sizes.size_count,
        false as includes_deferred,
        coalesce(dags.is_active, false) as is_in_force
    from sizes
    -- a DAG that Airflow forgot
    left join dags on sizes.cluster = dags.cluster and sizes.limit_name = dags.dag_id
    where sizes.limit_kind = 'max_active_tasks'
    union all
    {% for kind, column in [
        ('max_active_tis_per_dag', 'max_active_per_dag_count'),
        ('max_active_tis_per_dagrun', 'max_active_per_run_count'),
    ] -%}
    -- not what an older structure said: the limit may have been taken away
    select
        cluster,
        '{{ kind }}' as limit_kind,
        dag_id || '.' || task_id as limit_name,
        dag_id,
        task_id,
        {{ column }} as size_count,
        false as includes_deferred,
        is_active as is_in_force
    from latest_tasks
    where {{ column }} is not null
    union all
    {% endfor -%}
    select
        cluster,
        'parallelism' as limit_kind,
        cluster as limit_name,
        null as dag_id,
        null as task_id,
        parallelism_count as size_count,
        false as includes_deferred,
        true as is_in_force
    from clusters
)

select
    limits.cluster,
    limits.limit_kind,
    limits.limit_name,

    limits.dag_id,
    limits.task_id,

    nullif(sizes.valid_from_at, '-infinity'::timestamp) as size_since_at,

    -- -1 is no limit
    if(limits.size_count >= 0, limits.size_count, null) as size_count,

    limits.includes_deferred,
    limits.limit_kind = 'max_active_tis_per_dagrun'
    or (limits.limit_kind = 'max_active_tasks' and clusters.is_counted_by_run) as is_counted_by_run,
    limits.size_count is not null as is_known,
    limits.is_in_force
from limits
inner join clusters on limits.cluster = clusters.cluster
-- no size of it was ever kept: unlimited, or not known
left join sizes
    on
        limits.cluster = sizes.cluster
        and limits.limit_kind = sizes.limit_kind
        and limits.limit_name = sizes.limit_name
