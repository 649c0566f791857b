-- Which parts of each Airflow leave heartbeats, and when was the newest?
select
    cluster,
    component_kind,
    state,
    latest_heartbeat_at,
    silent_seconds,
    alive_count,
    host_count
from marts.dim_cluster_components
order by cluster, component_kind
limit 1500
