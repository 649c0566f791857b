{#- A mart as the last whole build left it, for models that compare what is with what was before the mart
    itself is made again; none while everything is made anew. -#}
{% macro built_mart(name) -%}
    {%- set found = adapter.get_relation(
        database=this.database, schema='marts', identifier=name
    ) if execute else none -%}
    {{ return(none if flags.FULL_REFRESH else found) }}
{%- endmacro %}
