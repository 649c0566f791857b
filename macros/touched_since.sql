{#- What landed after the newest row that this model holds: found by the number of the load, which
    grows with every load of any cluster, not by any machine's clock. -#}
{% macro touched_since(load_number) -%}
    {% if is_incremental() -%}
    {{ load_number }} > (
        select coalesce(max(this.newest_load_number), 0)
        from {{ this }} as this
    )
    {%- else -%}
    true
    {%- endif %}
{%- endmacro %}
