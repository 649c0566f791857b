-- Tasks that came, went, or are defined otherwise than in the version before.
{{ config(materialized='table') }}

{%- set fields = [
    ('operator', 'operator'), ('operator_module', 'operator_module'), ('owner', 'owner'),
    ('pool', 'pool'), ('pool_slot_count', 'pool_slots'), ('queue', 'queue'), ('executor', 'executor'),
    ('trigger_rule', 'trigger_rule'), ('retries', 'retries'),
    ('retry_delay_seconds', 'retry_delay_seconds'),
    ('max_retry_delay_seconds', 'max_retry_delay_seconds'),
    ('execution_timeout_seconds', 'execution_timeout_seconds'), ('sla_seconds', 'sla_seconds'),
    ('priority_weight', 'priority_weight'), ('weight_rule', 'weight_rule'),
    ('max_active_per_dag_count', 'max_active_tis_per_dag'),
    ('max_active_per_run_count', 'max_active_tis_per_dagrun'),
    ('depends_on_past', 'depends_on_past'), ('wait_for_downstream', 'wait_for_downstream'),
    ('task_group_id', 'task_group_id'), ('is_mapped', 'is_mapped'), ('is_setup', 'is_setup'),
    ('is_teardown', 'is_teardown'), ('sensor_mode', 'sensor_mode'),
    ('poke_interval_seconds', 'poke_interval_seconds'),
    ('sensor_timeout_seconds', 'sensor_timeout_seconds'), ('is_deferrable', 'is_deferrable'),
    ('external_dag_id', 'external_dag_id'), ('trigger_dag_id', 'trigger_dag_id'),
    ('requested_cpu_cores', 'requested_cpu_cores'),
    ('requested_memory_bytes', 'requested_memory_bytes'), ('limit_cpu_cores', 'limit_cpu_cores'),
    ('limit_memory_bytes', 'limit_memory_bytes'),
] %}

with successions as (
    select * from {{ ref('int_structures__successions') }}
    where structure_hash <> previous_structure_hash
),

{% for side, key in [('newer', 'version_key'), ('older', 'previous_version_key')] -%}
{{ side }}_tasks as (
    select
        successions.version_key as newer_version_key,
        tasks.*
    from {{ ref('stg_airflow_db__structure_tasks') }} as tasks
    inner join successions
        on
            tasks.cluster = successions.cluster
            and tasks.dag_id = successions.dag_id
            and tasks.version_key = successions.{{ key }}
    -- 3.x may serialize a version anew, in place, as long as no run uses it
    qualify row_number() over (
        partition by tasks.cluster, tasks.dag_id, tasks.version_key, tasks.task_id
        order by tasks.newest_load_number desc, tasks.seen_at desc
    ) = 1
),

{% endfor -%}
-- One row per task that is not the same in both, with all that may have changed.
compared as (
    select
        coalesce(newer.cluster, older.cluster) as cluster,
        coalesce(newer.dag_id, older.dag_id) as dag_id,
        coalesce(newer.newer_version_key, older.newer_version_key) as version_key,
        coalesce(newer.task_id, older.task_id) as task_id,
        case
            when older.task_id is null then 'task_added'
            when newer.task_id is null then 'task_removed'
            else 'task_changed'
        end as change_kind,
        unnest([
            {% for name, column in fields -%}
            '{{ name }}'{{ ',' if not loop.last }}
            {% endfor %}
        ]) as field_name,
        unnest([
            {% for name, column in fields -%}
            cast(older.{{ column }} as varchar){{ ',' if not loop.last }}
            {% endfor %}
        ]) as old_value,
        unnest([
            {% for name, column in fields -%}
            cast(newer.{{ column }} as varchar){{ ',' if not loop.last }}
            {% endfor %}
        ]) as new_value
    from newer_tasks as newer
    -- a task may be in one of the two alone
    full outer join older_tasks as older
        on
            newer.cluster = older.cluster
            and newer.dag_id = older.dag_id
            and newer.newer_version_key = older.newer_version_key
            and newer.task_id = older.task_id
    -- most tasks stay as they are, and need not be taken apart
    where
        newer.task_id is distinct from older.task_id
        {% for _, column in fields -%}
        or newer.{{ column }} is distinct from older.{{ column }}
        {% endfor %}
)

select
    cluster,
    dag_id,
    version_key,
    change_kind,
    task_id,
    field_name,

    old_value,
    new_value
from compared
where
    case change_kind
        when 'task_changed' then old_value is distinct from new_value
        -- of a task that came or went its operator says enough
        else field_name = 'operator'
    end
