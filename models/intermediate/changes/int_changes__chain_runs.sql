-- Runs whose chain is made anew: those whose links are, and those on whose chain one of these lies.
{{ config(materialized='table') }}

{%- set built_chains = built_mart('fct_run_chain_steps') %}

with link_runs as (
    select
        cluster,
        dag_id,
        run_id
    from {{ ref('int_changes__link_runs') }}
)

select
    cluster,
    dag_id,
    run_id
from link_runs
{% if built_chains -%}
union
select
    chains.cluster,
    chains.dag_id,
    chains.run_id
from {{ built_chains }} as chains
inner join link_runs
    on
        chains.upstream_cluster = link_runs.cluster
        and chains.upstream_dag_id = link_runs.dag_id
        and chains.upstream_run_id = link_runs.run_id
{%- endif %}
