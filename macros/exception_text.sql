{#- Steps from a recorded trace to the exception that ended it, as CTEs `blocks`, `texts`,
    `names` and `exceptions`; the last one has all columns of the first and `error_class`
    (without its module, as the logs of Airflow 3 write it) and `message` (all its lines), null
    when the text does not tell. Steps, not one expression: each would repeat the one before it
    several times. -#}
{% macro exception_steps(rows, trace) -%}
-- The last traceback of a chain; a message without a trace (1.10, checks of Airflow's own) is its
-- own.
blocks as (
    select
        *,
        regexp_split_to_array(
            replace({{ trace }}, chr(13), ''),
            '\n(?:During handling of the above exception, another exception occurred'
            || '|The above exception was the direct cause of the following exception):\n\n'
        )[-1] as block,
        regexp_matches(
            {{ trace }}, 'Traceback \(most recent call last\):|^\s*File "[^\n]*", line \d+'
        ) as has_trace
    from {{ rows }}
),

-- Python indents frames, source lines and carets, so the first line that is not indented is the
-- exception's; the lines of an exception group stand behind a margin.
texts as (
    select
        *,
        coalesce(
            nullif(trim(case
                when regexp_matches(block, '^\s*\+ Exception Group Traceback')
                    then regexp_replace(
                        regexp_extract(block, '(?s)\n {2}\| (\S.*?)(?:\n {2}\+-|\s*$)', 1),
                        '\n {2}\| ?', chr(10), 'g'
                    )
                else regexp_replace(
                    block,
                    '^(?:\s*Traceback \(most recent call last\):\n)?(?:(?:[ \t][^\n]*)?\n)*', ''
                )
            end, ' ' || chr(10) || chr(9)), ''),
            trim({{ trace }}, ' ' || chr(10) || chr(9))
        ) as exception_text
    from blocks
),

-- A name such as `airflow.exceptions.AirflowTaskTimeout` before a colon. Without a trace only one
-- with two capitals, such as `AirflowDagCycleException`, is a class: `Invalid Cron expression: ...`
-- has none.
names as (
    select
        *,
        case
            when has_trace
                then regexp_extract(
                    exception_text,
                    '^((?:[\pL_<][\pL\pN_<>]*\.)*[\pL_][\pL\pN_]*)(?::\s|:?$|:?\n)', 1
                )
            else regexp_extract(
                exception_text,
                '^((?:[\pL_][\pL\pN_]*\.)*[A-Z]\w*[a-z]\w*[A-Z]\w*): ', 1
            )
        end as exception_name
    from texts
),

exceptions as (
    select
        *,
        nullif(regexp_extract(exception_name, '[^.]*$'), '') as error_class,
        nullif(trim(
            case
                when exception_name = '' then exception_text
                else ltrim(substr(exception_text, length(exception_name) + 1), ':')
            end,
            ' ' || chr(10) || chr(9)
        ), '') as message
    from names
)
{%- endmacro %}
