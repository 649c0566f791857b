-- DAGs of which a structure landed since the last whole build.
{{ config(materialized='table') }}

with built as (
    select {{ built_load_number() }} as load_number
)

select distinct
    cluster,
    dag_id
from {{ ref('int_structures__versions') }}
where newest_load_number > (select built.load_number from built)
