-- Every image of an import error that was ever landed: what stands and what was overwritten.
{{ config(materialized='table') }}

with import_errors as (
    select * from {{ ref('stg_airflow_db__import_errors') }}
),

replaced_import_errors as (
    select * from {{ ref('stg_airflow_db__replaced_import_errors') }}
)

select * from import_errors
union all by name
select * from replaced_import_errors
