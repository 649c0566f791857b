{#- Columns grow from left to right in every row; nulls are passed over. -#}
{% test values_in_order(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where
    {% for column in columns[1:] -%}
    {{ columns[loop.index0] }} > {{ column }}
    {% if not loop.last %}or {% endif %}
    {%- endfor %}
{% endtest %}
