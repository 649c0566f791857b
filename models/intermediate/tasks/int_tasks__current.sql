-- Tasks of touched DAGs: what the newest structure says, else what the newest instance left behind.
{% set facts = [
    'operator_module', 'owner', 'trigger_rule', 'weight_rule', 'executor', 'task_group_id',
    'mapped_task_group_id', 'sensor_mode', 'external_dag_id', 'trigger_dag_id', 'depth_index',
    'priority_weight', 'retry_delay_seconds', 'max_retry_delay_seconds',
    'execution_timeout_seconds', 'requested_cpu_cores', 'requested_memory_bytes',
    'depends_on_past', 'wait_for_downstream', 'is_setup', 'is_teardown', 'is_deferrable',
] %}
with defined as (
    select * from {{ ref('int_tasks__defined') }}
),

seen as (
    select seen.*
    from {{ ref('int_tasks__seen') }} as seen
    inner join {{ ref('int_changes__dags') }} as touched_dags
        on seen.cluster = touched_dags.cluster and seen.dag_id = touched_dags.dag_id
),

-- The owner of a DAG with a single one is the owner of a task whose structure is gone.
only_owners as (
    select
        cluster,
        dag_id,
        any_value(owner) as owner
    from {{ ref('int_dags__owners') }}
    group by cluster, dag_id
    having count(*) = 1
)

select
    coalesce(defined.cluster, seen.cluster) as cluster,
    coalesce(defined.dag_id, seen.dag_id) as dag_id,
    coalesce(defined.task_id, seen.task_id) as task_id,

    defined.version_key,
    coalesce(defined.operator, seen.operator) as operator,
    {% for fact in facts if fact != 'owner' %}
    defined.{{ fact }},
    {% endfor %}
    case
        when defined.task_id is not null then defined.owner
        else only_owners.owner
    end as owner,
    case
        when defined.task_id is not null then coalesce(defined.pool, 'default_pool')
        else seen.pool
    end as pool,
    case
        when defined.task_id is not null then coalesce(defined.queue, seen.queue)
        else seen.queue
    end as queue,
    case
        when defined.task_id is not null then coalesce(defined.pool_slots, 1)
        else seen.pool_slot_count
    end as pool_slot_count,
    defined.retries,
    defined.max_active_tis_per_dag as max_active_per_dag_count,
    defined.max_active_tis_per_dagrun as max_active_per_run_count,
    case
        when defined.is_in_latest_structure then 'latest_structure'
        when defined.task_id is not null then 'older_structure'
        else 'instances'
    end as task_basis,
    coalesce(defined.is_mapped, seen.map_index >= 0) as is_mapped,
    coalesce(defined.is_sensor, seen.is_sensor) as is_sensor,
    coalesce(defined.is_in_latest_structure, false) as is_in_latest_structure,
    seen.task_id is not null as has_run
from defined
-- tasks that never ran, and tasks whose structure nobody saw
full join seen
    on
        defined.cluster = seen.cluster
        and defined.dag_id = seen.dag_id
        and defined.task_id = seen.task_id
-- a DAG with several owners, or without a row
left join only_owners
    on seen.cluster = only_owners.cluster and seen.dag_id = only_owners.dag_id
