{#- What the live row, a history row and a replaced image of a task instance have in common, one name
    per fact in every release. `was_picked_up`: a worker process left its host, pid or job. -#}
{% macro instance_image() -%}
    state,
    coalesce(custom_operator_name, nullif(operator, '')) as operator,
    nullif(operator, '') as operator_class,
    pool,
    queue,
    coalesce(pool_slots, 1) as pool_slot_count,
    nullif(hostname, '') as host_name,
    try_number as recorded_try_number,
    max_tries as max_try_count,
    nullif(dag_version_id, '') as version_key,
    job_id as job_number,
    -- what the scheduler skips keeps the host of an earlier try, but no time passes
    coalesce(
        (nullif(hostname, '') is not null or pid is not null or job_id is not null)
        and not coalesce(state = 'skipped' and start_date = end_date, false),
        false
    ) as was_picked_up,

    scheduled_dttm as scheduled_at,
    queued_dttm as queued_at,
    start_date as started_at,
    end_date as ended_at,
    last_heartbeat_at as heartbeat_at
{%- endmacro %}
