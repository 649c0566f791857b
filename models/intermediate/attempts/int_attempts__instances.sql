-- Task instances of touched runs with the facts of their own DAG version. `node_number` names an
-- instance within this build, so that what follows joins on whole numbers.
{{ config(materialized='table') }}

with runs as (
    select * from {{ ref('int_runs__windows') }}
),

structures as (
    select * from {{ ref('int_structures__versions') }}
),

instances as (
    select
        worklist.run_number,
        task_instances.*
    from {{ ref('int_changes__runs') }} as worklist
    inner join {{ ref('stg_airflow_db__task_instances') }} as task_instances
        on
            worklist.cluster = task_instances.cluster
            and worklist.dag_id = task_instances.dag_id
            and worklist.run_id = task_instances.run_id
    -- depends_on: {{ ref('int_changes__reach') }}
    where {{ in_reach('task_instances.newest_load_number') }}
),

sensor_patterns as (
    select * from {{ ref('sensor_operators') }}
),

operators as (
    select distinct operator_class
    from instances
    where operator_class is not null
),

sensor_classes as (
    select distinct operators.operator_class
    from operators
    inner join sensor_patterns on operators.operator_class like sensor_patterns.operator_pattern
)

select
    row_number() over () as node_number,
    instances.run_number,

    instances.cluster,
    instances.dag_id,
    instances.run_id,
    instances.task_id,
    instances.map_index,

    instances.state,
    instances.operator,
    instances.pool,
    instances.queue,
    instances.host_name,
    coalesce(instances.version_key, runs.version_key) as version_key,
    instances.external_job_id,
    instances.job_number,
    instances.pool_slot_count,
    instances.recorded_try_number,
    coalesce(own_structures.structure_number, runs.structure_number) as structure_number,
    case
        when own_structures.structure_number is not null then 'recorded'
        when instances.version_key is not null and runs.structure_basis = 'recorded' then 'nearest'
        else coalesce(runs.structure_basis, 'inferred')
    end as structure_basis,

    instances.scheduled_at,
    instances.queued_at,
    instances.started_at,
    instances.ended_at,
    instances.heartbeat_at,
    instances.deleted_at,
    instances.delete_reason,
    runs.path_started_at,
    runs.path_ended_at,

    instances.row_flags,
    instances.newest_load_number,

    instances.was_picked_up,
    coalesce(tasks.is_sensor, false) or sensor_classes.operator_class is not null as is_sensor,
    -- a clear allows a task all its retries once more
    coalesce(instances.max_try_count > tasks.retry_count, false) as was_cleared,
    tasks.task_id is not null as has_structure,
    coalesce(tasks.is_empty, true)
    or coalesce(instances.operator_class in ('EmptyOperator', 'DummyOperator'), false)
        as may_be_empty
from instances
-- 1.10 has instances without a run
left join runs on instances.run_number = runs.run_number
-- only 3.x records the version of an instance
left join structures as own_structures
    on
        instances.cluster = own_structures.cluster
        and instances.dag_id = own_structures.dag_id
        and instances.version_key = own_structures.version_key
-- removed tasks are in no structure
left join {{ ref('int_structures__tasks') }} as tasks
    on
        coalesce(own_structures.structure_number, runs.structure_number) = tasks.structure_number
        and instances.task_id = tasks.task_id
left join sensor_classes on instances.operator_class = sensor_classes.operator_class
