{#- The identity of the observed path: the terms are never negative and add up to the wall clock, to 1 ms. -#}
{% test tiles_add_up(model) %}
select *
from {{ model }}
where
    abs(
        lead_seconds + running_seconds + retry_wait_seconds + deferred_seconds
        + external_wait_seconds + handoff_seconds + tail_seconds
        - greatest(
            coalesce({{ seconds_between('coalesce(started_at, path_ended_at)', 'path_ended_at') }}, 0), 0
        )
    ) > 0.001
    or least(
        lead_seconds, running_seconds, retry_wait_seconds, deferred_seconds,
        external_wait_seconds, handoff_seconds, tail_seconds
    ) < 0
{% endtest %}
