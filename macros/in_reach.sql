{#- True for rows that landed with a load in which rows of the worklist's runs stand, and for few others, so
    that a routine build reads their blocks alone. The bounds are variables that it sets
    (`int_changes__reach`); unset, as in a build by dbt, it is true. A result never depends on it. -#}
{% macro in_reach(load_number) -%}
    (
        {{ load_number }} between coalesce(getvariable('reach_1_from'), 0)
        and coalesce(getvariable('reach_1_to'), 9223372036854775807)
        or {{ load_number }} between getvariable('reach_2_from') and getvariable('reach_2_to')
        or {{ load_number }} between getvariable('reach_3_from') and getvariable('reach_3_to')
    )
{%- endmacro %}
