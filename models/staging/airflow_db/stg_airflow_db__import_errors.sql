-- Import errors in the state last seen. 1.10 and 2.x name the file by its absolute path, 3.x by
-- bundle and relative path (3.0 and its serialization errors: absolute).
with import_errors as (
    select * from {{ source('airflow_db', 'airflow_db__import_error') }}
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
    _deleted_at as gone_at
from exceptions
