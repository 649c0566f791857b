-- Value faults that arrived and were marked: real databases have them.
with flagged as (
    select
        cluster,
        'fct_dag_runs' as model_name,
        unnest(row_flags) as row_flag
    from {{ ref('fct_dag_runs') }}
    where row_flags is not null

    union all

    select
        cluster,
        'fct_task_instances' as model_name,
        unnest(row_flags) as row_flag
    from {{ ref('fct_task_instances') }}
    where row_flags is not null
)

select
    cluster,
    model_name,
    row_flag,

    count(*) as row_count
from flagged
group by cluster, model_name, row_flag
