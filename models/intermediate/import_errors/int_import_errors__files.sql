-- Files with an import error, with their relative and their absolute path as far as one tells the
-- other, and the DAGs that they once gave. A file that never parsed has none.
{{ config(materialized='table') }}

with files as (
    select distinct
        cluster,
        bundle_name,
        file_path
    from {{ ref('int_import_errors__images') }}
),

dags as (
    select * from {{ ref('stg_airflow_db__dags') }}
),

-- Where a bundle lies on the disk, told by the DAGs in it that have both paths.
roots as (
    select
        cluster,
        bundle_name,
        substr(file_path, 1, length(file_path) - length(relative_file_path)) as root_path
    from dags
    where ends_with(file_path, '/' || relative_file_path)
    -- the root that most of its DAGs have; a versioned bundle has moved
    group by cluster, bundle_name, root_path
    qualify row_number() over (
        partition by cluster, bundle_name order by count(*) desc, root_path
    ) = 1
),

paths as (
    select
        files.cluster,
        files.bundle_name,
        files.file_path,
        case
            when not starts_with(files.file_path, '/') then files.file_path
            when starts_with(files.file_path, roots.root_path)
                then substr(files.file_path, length(roots.root_path) + 1)
        end as relative_file_path,
        case
            when starts_with(files.file_path, '/') then files.file_path
            else roots.root_path || files.file_path
        end as absolute_file_path
    from files
    -- nothing of this bundle ever parsed
    left join roots
        on
            files.cluster = roots.cluster
            and files.bundle_name is not distinct from roots.bundle_name
),

matches as (
    select
        paths.cluster,
        paths.bundle_name,
        paths.file_path,
        dags.dag_id
    from paths
    inner join dags
        on
            paths.cluster = dags.cluster
            and paths.file_path = dags.file_path
            and (paths.bundle_name is null or paths.bundle_name = dags.bundle_name)

    union

    select
        paths.cluster,
        paths.bundle_name,
        paths.file_path,
        dags.dag_id
    from paths
    inner join dags
        on
            paths.cluster = dags.cluster
            and paths.bundle_name = dags.bundle_name
            and paths.file_path = dags.relative_file_path
),

dag_lists as (
    select
        cluster,
        bundle_name,
        file_path,
        list(dag_id order by dag_id) as dag_ids
    from matches
    group by cluster, bundle_name, file_path
)

select
    paths.cluster,
    paths.bundle_name,
    paths.file_path,

    paths.relative_file_path,
    paths.absolute_file_path,
    nullif(regexp_replace(
        coalesce(paths.absolute_file_path, '/' || paths.relative_file_path), '/[^/]*$', ''
    ), '') as folder_path,
    coalesce(dag_lists.dag_ids, []) as dag_ids
from paths
-- a file that never parsed gave no DAG
left join dag_lists
    on
        paths.cluster = dag_lists.cluster
        and paths.bundle_name is not distinct from dag_lists.bundle_name
        and paths.file_path = dag_lists.file_path
