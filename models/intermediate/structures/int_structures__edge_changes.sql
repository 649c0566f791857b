-- Edges that came or went between tasks that both versions have. Those of tasks that came or went follow from
-- that, and would bury it.
with successions as (
    select * from {{ ref('int_structures__successions') }}
    where structure_hash <> previous_structure_hash
),

{% for side, key in [('newer', 'version_key'), ('older', 'previous_version_key')] -%}
{{ side }}_edges as (
    select distinct
        successions.cluster,
        successions.dag_id,
        successions.version_key,
        edges.upstream_task_id,
        edges.downstream_task_id
    from {{ ref('stg_airflow_db__structure_edges') }} as edges
    inner join successions
        on
            edges.cluster = successions.cluster
            and edges.dag_id = successions.dag_id
            and edges.version_key = successions.{{ key }}
),

{% endfor -%}
added_edges as (
    select * from newer_edges
    except
    select * from older_edges
),

removed_edges as (
    select * from older_edges
    except
    select * from newer_edges
),

differing as (
    select
        'edge_added' as change_kind,
        *
    from added_edges
    union all
    select
        'edge_removed' as change_kind,
        *
    from removed_edges
),

lone_tasks as (
    select
        cluster,
        dag_id,
        version_key,
        task_id
    from {{ ref('int_structures__task_changes') }}
    where change_kind in ('task_added', 'task_removed')
)

select
    cluster,
    dag_id,
    version_key,
    change_kind,
    downstream_task_id as task_id,
    upstream_task_id as other_task_id
from differing
where
    (cluster, dag_id, version_key, downstream_task_id) not in (from lone_tasks)
    and (cluster, dag_id, version_key, upstream_task_id) not in (from lone_tasks)
