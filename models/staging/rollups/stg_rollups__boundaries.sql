-- From which day on roll-ups are computed: the runs of the days before expired.
with boundaries as (
    select * from {{ source('rollups', 'rollups__boundary') }}
)

select
    cluster,
    cast(expired_before as date) as computed_from_date
from boundaries
