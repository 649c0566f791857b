-- Which Airflows are there, and how fresh is each?
select
    cluster,
    kind,
    airflow_version,
    dialect,
    base_url,
    warnings,
    scheduler_heartbeat_at,
    newest_row_at,
    loaded_at,
    replication_lag_seconds,
    is_frozen
from marts.dim_clusters
order by cluster
limit 500
