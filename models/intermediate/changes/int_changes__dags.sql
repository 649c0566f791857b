-- DAGs whose statistics or structure may have changed in this build.
{{ config(materialized='table') }}

with built as (
    select {{ built_load_number() }} as load_number
)

select
    cluster,
    dag_id
from {{ ref('int_changes__runs') }}
union
select
    cluster,
    dag_id
from {{ ref('int_structures__versions') }}
where newest_load_number > (select built.load_number from built)
