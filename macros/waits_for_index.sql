{#- Whether an upstream instance is one that a downstream instance waits for: inside one mapped task group
    index waits for index, everywhere else for every index. -#}
{% macro waits_for_index(edge, upstream, downstream) -%}
    (not {{ edge }}.is_same_index or {{ upstream }}.map_index = {{ downstream }}.map_index)
{%- endmacro %}
