{#- What the last whole build knew of each cluster; no rows when everything is made anew. -#}
{% macro built_clusters() -%}
    {%- set done = adapter.get_relation(
        database=this.database, schema=this.schema, identifier='int_changes__done'
    ) if execute else none -%}
    {%- if done is none or flags.FULL_REFRESH -%}
    select
        null::varchar as cluster,
        null::timestamp as observed_at,
        null::timestamp as first_event_at
    where false
    {%- else -%}
    select
        done.cluster,
        done.observed_at,
        done.first_event_at
    from {{ done }} as done
    {%- endif -%}
{%- endmacro %}
