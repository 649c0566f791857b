-- The newest structure of each DAG, for what the DAG's own row does not say in every release.
{{ config(materialized='table') }}

with facts as (
    select * from {{ ref('stg_airflow_db__dag_facts') }}
),

latest_structures as (
    select * from {{ ref('int_structures__latest') }}
)

select facts.*
from facts
inner join latest_structures
    on
        facts.cluster = latest_structures.cluster
        and facts.dag_id = latest_structures.dag_id
        and facts.version_key = latest_structures.version_key
-- 3.x may serialize a version anew, in place, as long as no run uses it
qualify row_number() over (
    partition by facts.cluster, facts.dag_id
    order by facts.seen_at desc, facts.newest_load_number desc, facts.dag_hash desc
) = 1
