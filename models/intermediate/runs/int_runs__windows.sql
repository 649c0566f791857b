-- Touched runs with the window that their observed path tiles, and the structure to read them with.
{{ config(materialized='table') }}

with worklist as (
    select * from {{ ref('int_changes__runs') }}
),

clusters as (
    select * from {{ ref('int_changes__clusters') }}
),

structures as (
    select * from {{ ref('int_structures__versions') }}
),

runs as (
    select
        worklist.run_number,
        dag_runs.cluster,
        dag_runs.dag_id,
        dag_runs.run_id,
        dag_runs.state,
        dag_runs.run_kind,
        dag_runs.version_key,
        dag_runs.logical_at,
        dag_runs.started_at,
        dag_runs.ended_at,
        dag_runs.clear_count,
        coalesce(dag_runs.started_at, dag_runs.ended_at, clusters.observed_at) as path_started_at,
        coalesce(dag_runs.ended_at, dag_runs.deleted_at, clusters.observed_at) as known_until_at,
        dag_runs.ended_at is null and dag_runs.deleted_at is null as is_unfinished
    from worklist
    -- 1.10 has task instances without a run: they have no window
    inner join {{ ref('stg_airflow_db__dag_runs') }} as dag_runs
        on
            worklist.cluster = dag_runs.cluster
            and worklist.dag_id = dag_runs.dag_id
            and worklist.run_id = dag_runs.run_id
    inner join clusters on dag_runs.cluster = clusters.cluster
),

own_structures as (
    select
        runs.run_number,
        structures.structure_number,
        structures.has_catchup,
        if(structures.is_version, 'recorded', 'same_hash') as structure_basis
    from runs
    inner join structures
        on
            runs.cluster = structures.cluster
            and runs.dag_id = structures.dag_id
            and runs.version_key = structures.version_key
),

-- In force when the run started: the last one seen before, else the first one ever seen.
nearest_structures as (
    select
        runs.run_number,
        arg_max(structures.structure_number, struct_pack(
            is_before := structures.first_seen_at <= runs.path_started_at,
            nearness := if(
                structures.first_seen_at <= runs.path_started_at,
                epoch_us(structures.first_seen_at), -epoch_us(structures.first_seen_at)
            ),
            structure_number := structures.structure_number
        )) as structure_number
    from runs
    inner join structures
        on runs.cluster = structures.cluster and runs.dag_id = structures.dag_id
    where runs.run_number not in (select own_structures.run_number from own_structures)
    group by runs.run_number
)

select
    runs.run_number,
    runs.cluster,
    runs.dag_id,
    runs.run_id,

    runs.state,
    runs.run_kind,
    runs.version_key,
    runs.clear_count,
    coalesce(own_structures.structure_number, nearest_structures.structure_number)
        as structure_number,
    coalesce(
        own_structures.structure_basis,
        if(nearest_structures.structure_number is null, 'inferred', 'nearest')
    ) as structure_basis,

    runs.logical_at,
    runs.started_at,
    runs.ended_at,
    runs.path_started_at,
    if(
        runs.started_at is null,
        runs.path_started_at,
        greatest(runs.path_started_at, runs.known_until_at)
    ) as path_ended_at,

    runs.is_unfinished,
    coalesce(own_structures.has_catchup, nearest_catchup.has_catchup, false) as has_catchup
from runs
-- its version is not known, or was never landed
left join own_structures on runs.run_number = own_structures.run_number
-- no structure of the DAG was ever landed
left join nearest_structures on runs.run_number = nearest_structures.run_number
left join structures as nearest_catchup
    on nearest_structures.structure_number = nearest_catchup.structure_number
