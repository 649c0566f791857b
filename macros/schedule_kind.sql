{#- Kind of a schedule: the structure's where one was read, else told by the text of the DAG's
    row. -#}
{% macro schedule_kind(schedule, has_text, structure_kind) -%}
    coalesce(
        nullif({{ structure_kind }}, 'unknown'),
        case
            when {{ has_text }} is not true then null
            when {{ schedule }} is null then 'none'
            when {{ schedule }} in ('@once', '@continuous') then substr({{ schedule }}, 2)
            when starts_with({{ schedule }}, '@') then 'preset'
            when regexp_matches({{ schedule }}, '^(Partitioned |Unresolved )?Asset') then 'asset'
            when regexp_full_match({{ schedule }}, '(\d+ days?, )?\d+:\d{2}:\d{2}(\.\d+)?')
                then 'delta'
            when regexp_full_match({{ schedule }}, '\S+(\s+\S+){4,6}') then 'cron'
            else 'timetable'
        end
    )
{%- endmacro %}
