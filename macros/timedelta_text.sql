{#- A length of time as Airflow 3 writes it (Python's `str(timedelta)`): `0:30:00`, `1 day,
    0:00:00`. -#}
{% macro timedelta_text(seconds) -%}
    case
        when ({{ seconds }}) >= 86400
            then
                cast(cast(floor(({{ seconds }}) / 86400) as bigint) as varchar)
                || if(({{ seconds }}) < 172800, ' day, ', ' days, ')
        else ''
    end
    || cast(cast(floor(({{ seconds }}) % 86400 / 3600) as bigint) as varchar)
    || ':' || lpad(cast(cast(floor(({{ seconds }}) % 3600 / 60) as bigint) as varchar), 2, '0')
    || ':' || lpad(cast(cast(floor(({{ seconds }}) % 60) as bigint) as varchar), 2, '0')
    || case
        when ({{ seconds }}) % 1 > 0
            then
                '.' || lpad(
                    cast(cast(round(({{ seconds }}) % 1 * 1000000) as bigint) as varchar), 6, '0'
                )
        else ''
    end
{%- endmacro %}
