-- The run of each DAG that began last. By its start, not by its logical date: a backfill of last
-- year that runs now is what happened last.
with dag_runs as (
    select
        *,
        (coalesce(started_at, queued_at, logical_at, '-infinity'::timestamp), run_id) as began
    from {{ ref('stg_airflow_db__dag_runs') }}
)

select
    cluster,
    dag_id,

    arg_max(run_id, began) as run_id,
    arg_max_null(state, began) as state,
    arg_max_null(started_at, began) as started_at,
    arg_max_null(ended_at, began) as ended_at,

    count(*) as run_count
from dag_runs
group by cluster, dag_id
