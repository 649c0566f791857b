{#- Pre-hook of an incremental mart: rows of the worklist's keys go before the new ones come, so that
    what vanished does not stay. Nothing to do on the first build. -#}
{% macro forget_touched(worklist, keys) -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where ({{ keys | join(', ') }}) in (select {{ keys | join(', ') }} from {{ ref(worklist) }})
    {%- else -%}
    select 1
    {%- endif -%}
{%- endmacro %}
