{#- Number of the newest load that all marts already hold: 0 when they are made anew. Read from the
    last model of the build before, which is written only after every mart succeeded. -#}
{% macro built_load_number() -%}
    {%- set done = adapter.get_relation(
        database=this.database, schema=this.schema, identifier='int_changes__done'
    ) if execute else none -%}
    {%- if done is none or flags.FULL_REFRESH -%}
    0
    {%- else -%}
    (select coalesce(max(done.newest_load_number), 0) from {{ done }} as done)
    {%- endif -%}
{%- endmacro %}
