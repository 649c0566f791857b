-- One error through all its images. Airflow moves its time at every parse; a landed image has the
-- time at which it was read first. It stands as long as one image of it has not gone.
with images as (
    select * from {{ ref('int_import_errors__images') }}
)

select
    cluster,
    bundle_name,
    file_path,
    error_key,

    arg_max_null(error_class, (recorded_at, observed_at)) as error_class,
    arg_max_null(message, (recorded_at, observed_at)) as message,
    arg_max_null(stack_trace, (recorded_at, observed_at)) as stack_trace,

    min(recorded_at) as first_seen_at,
    max(recorded_at) as last_seen_at,
    case when bool_and(gone_at is not null) then max(gone_at) end as fixed_at
from images
group by cluster, bundle_name, file_path, error_key
