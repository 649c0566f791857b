{#- One whole number that orders instances of a run as the path compares them: by time, then deeper in the
    graph, then the smaller task id, then the lower map index. The greatest key wins; for "the earliest"
    pass the instant negated. 51 bits of microseconds, 16 of depth, 24 each of task and index. -#}
{% macro path_order_key(microseconds, alias) -%}
    cast({{ microseconds }} as hugeint) * 18446744073709551616::hugeint
    + cast({{ alias }}.tie_break_number as hugeint)
{%- endmacro %}
