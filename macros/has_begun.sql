{#- Whether a row tells of a try that began: what the scheduler skipped, failed upstream, removed or let
    a person mark never did; an EmptyOperator that it finished itself did, for 0 seconds (`may_be_empty`;
    since 2.10 such a one has a try number, what was only marked has none). -#}
{% macro has_begun(state, was_picked_up, may_be_empty) -%}
    case
        when {{ state }} in ('upstream_failed', 'removed') then false
        when {{ state }} = 'skipped' then {{ was_picked_up }}
        when {{ state }} = 'success' then {{ was_picked_up }} or {{ may_be_empty }}
        else true
    end
{%- endmacro %}
