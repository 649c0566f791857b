-- Which tasks decide how long a typical run takes, and how often each really did.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__dags', ['cluster', 'dag_id']) }}",
) }}
-- depends_on: {{ ref('int_changes__dags') }}, which the hook reads

with model_path_tasks as (
    select * from {{ ref('int_model_path__tasks') }}
),

criticality as (
    select * from {{ ref('int_model_path__criticality') }}
)

select
    model_path_tasks.cluster,
    model_path_tasks.dag_id,
    model_path_tasks.task_id,

    model_path_tasks.version_key,
    model_path_tasks.path_basis,
    model_path_tasks.model_path_number,

    model_path_tasks.median_seconds,
    model_path_tasks.earliest_start_seconds,
    model_path_tasks.latest_start_seconds,
    model_path_tasks.float_seconds,
    model_path_tasks.drag_seconds,
    model_path_tasks.model_path_seconds,
    criticality.on_path_ratio as criticality_ratio,
    criticality.sample_count as criticality_sample_count,

    model_path_tasks.is_on_model_path
from model_path_tasks
inner join criticality
    on
        model_path_tasks.cluster = criticality.cluster
        and model_path_tasks.dag_id = criticality.dag_id
        and model_path_tasks.task_id = criticality.task_id
