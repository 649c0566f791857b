-- Loads with the facts that the door wrote beside them.
with loads as (
    select * from {{ source('airflow_db', 'loads') }}
)

select
    cluster,
    load_number,
    load_id,

    kind as load_kind,
    facts ->> '$.airflow_version' as airflow_version,
    facts ->> '$.dialect' as dialect,
    facts -> '$.warnings' as warnings,
    cast(facts ->> '$.replication_lag_seconds' as double) as replication_lag_seconds,
    facts ->> '$.kind' as cluster_kind,
    facts ->> '$.base_url' as base_url,
    coalesce(cast(facts ->> '$.is_frozen' as boolean), false) as is_frozen,
    source_uri,

    observed_at,
    loaded_at,

    row_count,
    try_cast(facts ->> '$.parallelism' as bigint) as parallelism_count
from loads
