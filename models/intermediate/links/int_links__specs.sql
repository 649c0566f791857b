-- Tasks of touched DAGs that wait for another DAG or start one, in every structure they had. An
-- ExternalTaskMarker names another DAG but waits for nothing.
{{ config(materialized='table') }}

with tasks as (
    select
        cluster,
        dag_id,
        version_key,
        task_id,
        operator_class,
        external_dag_id,
        external_task_ids,
        external_task_group_id,
        external_logical_delta_seconds,
        trigger_dag_id,
        is_sensor
    from {{ ref('stg_airflow_db__structure_tasks') }}
    where
        external_dag_id is not null
        or trigger_dag_id is not null
        -- an id that is computed at run time is not landed
        or starts_with(operator_class, 'ExternalTaskSensor')
)

select
    structures.structure_number,
    tasks.cluster,
    tasks.dag_id,
    tasks.version_key,
    tasks.task_id,

    if(tasks.trigger_dag_id is null, 'sensor', 'trigger') as spec_kind,
    coalesce(tasks.trigger_dag_id, tasks.external_dag_id) as upstream_dag_id,
    tasks.external_task_ids as upstream_task_ids,
    tasks.external_task_group_id as upstream_task_group_id,

    coalesce(tasks.external_logical_delta_seconds, 0) as logical_delta_seconds,

    -- a sensor that looked at its own run would wait for ever: it looks at another date
    coalesce(
        tasks.external_dag_id = tasks.dag_id
        and coalesce(tasks.external_logical_delta_seconds, 0) = 0,
        false
    ) as is_own_run
from tasks
inner join {{ ref('int_structures__versions') }} as structures
    on
        tasks.cluster = structures.cluster
        and tasks.dag_id = structures.dag_id
        and tasks.version_key = structures.version_key
inner join {{ ref('int_changes__dags') }} as touched_dags
    on tasks.cluster = touched_dags.cluster and tasks.dag_id = touched_dags.dag_id
where tasks.trigger_dag_id is not null or tasks.is_sensor
