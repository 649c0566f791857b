-- What may hold a task back, and how much of it there is.
select
    cluster,
    limit_kind,
    limit_name,

    dag_id,
    task_id,

    size_since_at,

    size_count,

    includes_deferred as has_deferred_tasks,
    is_counted_by_run,
    is_known,
    is_in_force
from {{ ref('int_limits__today') }}
