-- Files that do not parse, since when, whose they are, and those that parse again.
with errors as (
    select * from {{ ref('int_import_errors__errors') }}
),

files as (
    select * from {{ ref('int_import_errors__files') }}
),

ownership as (
    select * from {{ ref('int_ownership__files') }}
)

select
    errors.cluster,
    errors.file_path,
    errors.error_key,

    errors.bundle_name,
    files.relative_file_path,
    files.dag_ids,
    ownership.owner,
    ownership.owner_basis,
    ownership.team,
    ownership.team_basis,
    ownership.tier,
    ownership.tier_basis,
    ownership.project,
    ownership.project_basis,
    errors.error_class,
    errors.message,
    errors.stack_trace,

    errors.first_seen_at,
    errors.last_seen_at,
    errors.fixed_at,

    cast(len(files.dag_ids) as bigint) as dag_count
from errors
inner join files
    on
        errors.cluster = files.cluster
        and errors.bundle_name is not distinct from files.bundle_name
        and errors.file_path = files.file_path
inner join ownership
    on
        errors.cluster = ownership.cluster
        and errors.bundle_name is not distinct from ownership.bundle_name
        and errors.file_path = ownership.file_path
