{#- No value is outside the two bounds. -#}
{% test in_range(model, column_name, lowest, highest) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} not between {{ lowest }} and {{ highest }}
{% endtest %}
