-- Tasks of touched DAGs by the newest structure that has them: today's, else the last one before
-- the task was taken out.
with tasks as (
    select * from {{ ref('stg_airflow_db__structure_tasks') }}
),

touched_dags as (
    select * from {{ ref('int_changes__dags') }}
),

structures as (
    select * from {{ ref('int_structures__versions') }}
)

select
    tasks.*,
    structures.is_latest as is_in_latest_structure
from tasks
inner join touched_dags
    on tasks.cluster = touched_dags.cluster and tasks.dag_id = touched_dags.dag_id
inner join structures
    on
        tasks.cluster = structures.cluster
        and tasks.dag_id = structures.dag_id
        and tasks.version_key = structures.version_key
qualify row_number() over (
    partition by tasks.cluster, tasks.dag_id, tasks.task_id
    order by
        structures.is_latest desc,
        structures.first_seen_at desc,
        tasks.newest_load_number desc,
        tasks.version_key desc
) = 1
