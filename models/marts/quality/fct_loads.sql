-- Every load, for the platform page: how much arrived, when, and of which kind.
with loads as (
    select * from {{ ref('stg_airflow_db__loads') }}
)

select
    cluster,
    load_number,

    load_kind,

    observed_at,
    loaded_at,

    row_count
from loads
