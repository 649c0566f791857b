{#- A message without what differs each time the same error is recorded: ids of processes and
    objects, addresses, instants, durations, temporary files, ports, line numbers. Order matters:
    longer shapes first. Other numbers stay: `61 * * * *` and `62 * * * *` are two errors. -#}
{% macro masked_error_text(text) -%}
    {%- set masks = [
        ('[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}', '<id>'),
        ('\\b0[xX][0-9a-fA-F]+', '<address>'),
        ('\\b\\d{4}-\\d{2}-\\d{2}(?:[T ]\\d{2}:\\d{2}(?::\\d{2}(?:[.,]\\d+)?)?'
         ~ '(?:Z|[+-]\\d{2}:?\\d{2})?)?', '<time>'),
        ('\\b\\d{1,2}:\\d{2}:\\d{2}(?:[.,]\\d+)?', '<time>'),
        ('(?:/private)?(?:/var)?/tmp/[^\\s"' ~ "''" ~ ',:;)\\]]+', '<temporary>'),
        ('/var/folders/[^\\s"' ~ "''" ~ ',:;)\\]]+', '<temporary>'),
        ('\\btmp[a-z0-9_]{8}\\b', '<temporary>'),
        ('(?i)\\b(pid|process(?: id)?|thread(?: id)?)(\\W{0,3})\\d+', '\\1\\2<number>'),
        ('\\b\\d{6,}\\b', '<number>'),
        ('\\b[0-9a-f]{12,}\\b', '<id>'),
        ('(?i)\\b\\d+(?:\\.\\d+)?( ?)(ms|s|sec|secs|seconds?|minutes?)\\b', '<duration>'),
        ('(?i)\\bline \\d+', 'line <number>'),
        ('(\\d{1,3}(?:\\.\\d{1,3}){3}):\\d+', '\\1:<port>'),
    ] -%}
    {%- set wrapped = namespace(sql=text) -%}
    {%- for pattern, word in masks -%}
        {%- set arguments = [wrapped.sql, "'" ~ pattern ~ "'", "'" ~ word ~ "'", "'g'"] -%}
        {%- set wrapped.sql = "regexp_replace(" ~ arguments | join(", ") ~ ")" -%}
    {%- endfor -%}
    {{ wrapped.sql }}
{%- endmacro %}

{#- Identity of an import error: its file and what the masked message says. The trace is no part
    of it: its line numbers move with every edit. -#}
{% macro import_error_key(bundle_name, file_path, error_class, message) -%}
    md5(
        coalesce({{ bundle_name }}, '') || chr(31) || {{ file_path }} || chr(31)
        || coalesce({{ error_class }}, '') || chr(31)
        || coalesce({{ masked_error_text(message) }}, '')
    )
{%- endmacro %}
