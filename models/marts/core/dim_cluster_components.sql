-- Is every part of an Airflow alive?
select
    cluster,
    component_kind,

    state,

    latest_heartbeat_at,
    latest_started_at,

    silent_seconds,
    alive_count,
    host_count
from {{ ref('int_clusters__components') }}
