-- Edges of every structure a DAG ever had. Made anew by DAG.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('int_changes__structure_dags', ['cluster', 'dag_id']) }}",
) }}

-- depends_on: {{ ref('int_changes__structure_dags') }}

select
    cluster,
    dag_id,
    version_key,
    upstream_task_id,
    downstream_task_id,

    is_same_index
from {{ ref('int_structures__edges') }}
