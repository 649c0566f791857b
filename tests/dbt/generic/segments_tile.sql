{#- Steps of a path follow each other without gap or overlap, and the seconds of each fill its share. -#}
{% test segments_tile(model) %}
select *
from {{ model }}
qualify
    abs(
        handoff_seconds + external_wait_seconds + running_seconds + retry_wait_seconds
        + deferred_seconds - {{ seconds_between('ready_at', 'ended_at') }}
    ) > 0.001
    or least(
        handoff_seconds, external_wait_seconds, running_seconds, retry_wait_seconds,
        deferred_seconds
    ) < 0
    or past_run_wait_seconds + limit_wait_seconds + scheduler_wait_seconds + startup_wait_seconds
    > handoff_seconds + 0.001
    or coalesce(ready_at <> lag(ended_at) over (
        partition by cluster, dag_id, run_id, path_kind
        order by step_number
    ), false)
{% endtest %}
