-- What a person can look for by name, with all that the list of hits shows and filters by: one query on one
-- table, whatever is typed. Made anew in every build, since almost every column is another mart's and a
-- worklist would have to follow them all; the only part that looks over many runs is kept by itself.
with dags as (
    select * from {{ ref('dim_dags') }}
),

tasks as (
    select * from {{ ref('dim_tasks') }}
),

clusters as (
    select * from {{ ref('dim_clusters') }}
),

latest_runs as (
    select * from {{ ref('agg_dag_latest_runs') }}
),

dag_durations as (
    select * from {{ ref('agg_dag_durations') }}
),

task_durations as (
    select * from {{ ref('agg_task_durations') }}
),

-- A task's id stands alone in what is matched: with its DAG's id before it every task of a DAG would be
-- a hit for the DAG's name. Who pastes dag_id.task_id out of a log line or an alert is served by the
-- qualified name.
entries as (
    select
        dags.cluster,
        dags.dag_id,
        '' as task_id,
        'dag' as entry_kind,
        dags.dag_id as entry_name,
        lower(dags.dag_id) as qualified_name,
        lower(
            dags.dag_id
            || if(dags.display_name = dags.dag_id, '', ' ' || dags.display_name)
        ) as search_text,
        dags.display_name,
        dags.description,
        cast(null as varchar) as operator,
        coalesce(latest_runs.latest_runs, []) as latest_runs,
        dag_durations.median_seconds,
        coalesce(dag_durations.sample_count, 0) as sample_count,
        dags.is_active as is_current
    from dags
    -- DAGs that never ran, or never succeeded
    left join latest_runs on dags.cluster = latest_runs.cluster and dags.dag_id = latest_runs.dag_id
    left join dag_durations
        on dags.cluster = dag_durations.cluster and dags.dag_id = dag_durations.dag_id

    union all

    select
        tasks.cluster,
        tasks.dag_id,
        tasks.task_id,
        'task' as entry_kind,
        tasks.task_id as entry_name,
        lower(tasks.dag_id || '.' || tasks.task_id) as qualified_name,
        lower(tasks.task_id) as search_text,
        tasks.task_id as display_name,
        null as description,
        tasks.operator,
        null as latest_runs,
        task_durations.median_seconds,
        coalesce(task_durations.sample_count, 0) as sample_count,
        -- where no structure of the DAG was ever read, nothing says that a task was taken out
        dags.is_active and (tasks.is_in_latest_structure or dags.version_key is null) as is_current
    from tasks
    inner join dags on tasks.cluster = dags.cluster and tasks.dag_id = dags.dag_id
    -- tasks that never succeeded
    left join task_durations
        on
            tasks.cluster = task_durations.cluster
            and tasks.dag_id = task_durations.dag_id
            and tasks.task_id = task_durations.task_id
)

select
    entries.cluster,
    entries.entry_kind,
    entries.dag_id,
    entries.task_id,

    entries.entry_name,
    entries.qualified_name,
    entries.search_text,
    entries.display_name,
    entries.description,
    entries.operator,
    clusters.kind as cluster_kind,
    dags.owner,
    dags.owners,
    dags.team,
    dags.tier,
    dags.project,
    dags.tags,
    dags.schedule,
    dags.schedule_kind,
    dags.schedule_description,
    dags.file_path,
    dags.last_run_id,
    dags.last_run_state,
    entries.latest_runs,

    dags.next_run_at,
    dags.last_run_started_at,
    dags.last_run_ended_at,
    dags.deleted_at,

    cast(
        {{ seconds_between('dags.last_run_started_at', 'dags.last_run_ended_at') }} as double
    ) as last_run_seconds,
    entries.median_seconds,
    entries.sample_count,
    dags.task_count,
    dags.run_count,

    entries.is_current,
    dags.is_paused,
    dags.is_active,
    dags.is_stale,
    dags.has_import_errors
from entries
inner join dags on entries.cluster = dags.cluster and entries.dag_id = dags.dag_id
inner join clusters on entries.cluster = clusters.cluster
