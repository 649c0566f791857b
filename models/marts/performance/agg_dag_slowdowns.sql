-- What got slower this week: a DAG's own work, waiting, the world, or a late start? Made anew in every build:
-- the days count back from now, so that rows change though nothing landed for their DAG.
with slowdowns as (
    select * from {{ ref('int_durations__slowdowns') }}
),

slower_tasks as (
    select * from {{ ref('int_durations__slower_tasks') }}
)

select
    slowdowns.cluster,
    slowdowns.dag_id,

    slowdowns.slower_kind,
    slower_tasks.task_id as main_task_id,
    slower_tasks.term as main_term,
    slower_tasks.limited_by as main_limited_by,

    slowdowns.recent_until_at,
    slowdowns.recent_from_at,
    slowdowns.before_from_at,

    slowdowns.recent_run_count,
    slowdowns.before_run_count,
    slowdowns.recent_median_seconds,
    slowdowns.before_median_seconds,
    slowdowns.recent_p95_seconds,
    slowdowns.before_p95_seconds,
    slowdowns.before_mad_seconds,
    slowdowns.slower_seconds,
    slowdowns.slower_ratio,
    slowdowns.deviation_ratio,
    slowdowns.mean_slower_seconds,
    slowdowns.own_slower_seconds,
    slowdowns.waiting_slower_seconds,
    slowdowns.external_slower_seconds,
    slowdowns.inherited_slower_seconds,
    slowdowns.later_seconds,
    slower_tasks.slower_seconds as main_slower_seconds,

    slowdowns.is_slower,
    slowdowns.is_later
from slowdowns
-- nothing on the path grew
left join slower_tasks
    on slowdowns.cluster = slower_tasks.cluster and slowdowns.dag_id = slower_tasks.dag_id
