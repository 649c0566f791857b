-- All that tells a version from the one before, numbered in the order in which a person reads it. A version
-- of which nothing that Windsock keeps differs has one row that says so: something made it all the same.
with successions as (
    select * from {{ ref('int_structures__successions') }}
),

found as (
    select
        cluster,
        dag_id,
        version_key,
        change_kind,
        task_id,
        null as other_task_id,
        field_name,
        old_value,
        new_value
    from {{ ref('int_structures__task_changes') }}
    union all
    select
        cluster,
        dag_id,
        version_key,
        change_kind,
        task_id,
        other_task_id,
        null as field_name,
        null as old_value,
        null as new_value
    from {{ ref('int_structures__edge_changes') }}
    union all
    select
        cluster,
        dag_id,
        version_key,
        change_kind,
        null as task_id,
        null as other_task_id,
        field_name,
        old_value,
        new_value
    from {{ ref('int_structures__dag_changes') }}
)

select
    successions.cluster,
    successions.dag_id,
    successions.version_key,
    row_number() over (
        partition by successions.cluster, successions.dag_id, successions.version_key
        order by
            case found.change_kind
                when 'task_added' then 1
                when 'task_removed' then 2
                when 'task_changed' then 3
                when 'edge_added' then 4
                when 'edge_removed' then 5
                when 'dag_changed' then 6
                when 'source_changed' then 7
                else 8
            end,
            found.task_id,
            found.other_task_id,
            found.field_name
    ) as change_number,

    successions.previous_version_key,
    coalesce(found.change_kind, 'other_changed') as change_kind,
    found.task_id,
    found.other_task_id,
    found.field_name,

    successions.changed_at,

    found.old_value,
    found.new_value
from successions
-- what differs may be something that is not compared
left join found
    on
        successions.cluster = found.cluster
        and successions.dag_id = found.dag_id
        and successions.version_key = found.version_key
