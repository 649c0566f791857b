{#- One readable schedule for every release: cron, preset, delta, `Asset`, or the name of a
    timetable; null for none. 3.x writes a summary; 1.10 and 2.x write JSON, where the text
    `null`, an SQL null, a quoted word and an object all occur. -#}
{% macro schedule_text(summary, interval) -%}
    {%- set seconds -%}
        (
            {%- for unit, factor in [('days', 86400), ('seconds', 1), ('microseconds', 0.000001)] %}
            coalesce(
                cast(json_extract_string({{ interval }}, '$.attrs.{{ unit }}') as double), 0
            ) * {{ factor }}
            {{- ' +' if not loop.last }}
            {%- endfor %}
        )
    {%- endset -%}
    regexp_replace(
        case
            when {{ summary }} is not null then nullif(nullif({{ summary }}, 'None'), '')
            when not json_valid({{ interval }}) then nullif({{ interval }}, '')
            when json_type({{ interval }}) = 'NULL' then null
            when json_type({{ interval }}) = 'VARCHAR'
                then nullif(nullif(json_extract_string({{ interval }}, '$'), 'None'), '')
            when json_extract_string({{ interval }}, '$.type') = 'timedelta'
                then {{ timedelta_text(seconds) }}
        end,
        '^(Unresolved )?Dataset', '\1Asset'
    )
{%- endmacro %}
