-- The change of the mean duration along two routes: by the terms of the runs (and so in the mart), and as
-- the difference of two means of the runs' own durations. To a millisecond, as the tiles of a run.
with means as (
    select
        slowdowns.cluster,
        slowdowns.dag_id,
        slowdowns.mean_slower_seconds,
        slowdowns.own_slower_seconds
        + slowdowns.waiting_slower_seconds
        + slowdowns.external_slower_seconds as parts_slower_seconds,
        avg(runs.duration_seconds) filter (where runs.ended_at > slowdowns.recent_from_at)
        - avg(runs.duration_seconds) filter (where runs.ended_at <= slowdowns.recent_from_at)
            as duration_slower_seconds
    from {{ ref('agg_dag_slowdowns') }} as slowdowns
    inner join {{ ref('fct_dag_runs') }} as runs
        on
            slowdowns.cluster = runs.cluster
            and slowdowns.dag_id = runs.dag_id
            and slowdowns.before_from_at < runs.ended_at
    where
        runs.state = 'success'
        and runs.run_kind is distinct from 'backfill'
        and not runs.was_rerun
        and runs.duration_seconds >= 0
    group by all
)

select *
from means
where
    abs(mean_slower_seconds - parts_slower_seconds) > 0.001
    or abs(mean_slower_seconds - duration_slower_seconds) > 0.001
