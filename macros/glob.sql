{#- A glob as a pattern of `like` that matches at least as much: cheap, so it is tried first. -#}
{% macro glob_like(glob) -%}
    regexp_replace(
        replace(regexp_replace({{ glob }}, '([\\%_])', '\\\1', 'g'), '?', '_'),
        '(?:\*\*/|\*)+', '%', 'g'
    )
{%- endmacro %}

{#- A glob as a regular expression for a full match; everything but `*` and `?` is itself. In a
    path, `*` and `?` stay within a folder, `**` crosses folders, `**/` is any number of folders,
    also none. -#}
{% macro glob_regex(glob, is_path=false) -%}
    {%- set literal = "regexp_replace(" ~ glob ~ ", '([.^$|()\\[\\]{}+\\\\])', '\\\\\\1', 'g')" -%}
    {%- if is_path -%}
    replace(replace(replace(replace(
        replace(replace({{ literal }}, '**/', chr(1)), '**', chr(2)),
        '*', '[^/]*'), '?', '[^/]'), chr(1), '(?:.*/)?'), chr(2), '.*')
    {%- else -%}
    replace(regexp_replace({{ literal }}, '\*+', '.*', 'g'), '?', '.')
    {%- endif -%}
{%- endmacro %}

{#- Whether a text matches one of our compiled rules. `case`, not `and`: the engine must not
    compile a regular expression for rows that the cheap pattern has ruled out. -#}
{% macro glob_matches(text, like_pattern, regex) -%}
    case
        when like_escape({{ text }}, {{ like_pattern }}, '\')
            then regexp_full_match({{ text }}, {{ regex }})
        else false
    end
{%- endmacro %}
