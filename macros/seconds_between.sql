{#- Seconds from one instant to another as a double; null when either is null. -#}
{% macro seconds_between(started_at, ended_at) -%}
    (epoch_us({{ ended_at }}) - epoch_us({{ started_at }})) / 1000000.0
{%- endmacro %}
