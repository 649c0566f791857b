-- What somebody changed when a DAG got a new version. Made anew by DAG.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__version_dags', ['cluster', 'dag_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__version_dags') }}

select
    cluster,
    dag_id,
    version_key,
    change_number,

    previous_version_key,
    change_kind,
    task_id,
    other_task_id,
    field_name,

    changed_at,

    old_value,
    new_value
from {{ ref('int_structures__changes') }}
