{#- An instant cut to the segment that a step may claim. -#}
{% macro cut_to(instant, segment) -%}
    least(greatest({{ instant }}, {{ segment }}.segment_began_at), {{ segment }}.segment_ended_at)
{%- endmacro %}
