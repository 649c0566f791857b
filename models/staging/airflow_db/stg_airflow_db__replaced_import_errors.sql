-- Images of import errors that were overwritten after they had been seen: an earlier error of the
-- file, or the same one with another process id.
with import_errors as (
    select * from {{ source('airflow_db', 'airflow_db__import_error__replaced') }}
),

{{ exception_steps('import_errors', 'stacktrace') }}

select
    cluster,
    filename as file_path,
    nullif(bundle_name, '') as bundle_name,
    {{ import_error_key('bundle_name', 'filename', 'error_class', 'message') }} as error_key,

    error_class,
    message,
    stacktrace as stack_trace,

    coalesce(timestamp, _observed_at) as recorded_at,
    _observed_at as observed_at,
    coalesce(_deleted_at, _replaced_at) as gone_at
from exceptions
