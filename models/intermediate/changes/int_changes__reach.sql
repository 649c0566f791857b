-- In which loads the rows of the worklist's runs stand, as at most three ranges: most runs that go on are
-- new, a stuck one is old, and what lies between need not be read. Bounds of `in_reach`, never results.
{{ config(
    materialized='table',
    meta={'variables': {
        'reach_1_from': 'reach_1_from_number', 'reach_1_to': 'reach_1_to_number',
        'reach_2_from': 'reach_2_from_number', 'reach_2_to': 'reach_2_to_number',
        'reach_3_from': 'reach_3_from_number', 'reach_3_to': 'reach_3_to_number',
    }},
) }}

with loads as (
    select distinct
        run_loads.first_load_number,
        run_loads.last_load_number
    from {{ ref('stg_airflow_db__run_loads') }} as run_loads
    inner join {{ ref('int_changes__runs') }} as worklist
        on
            run_loads.cluster = worklist.cluster
            and run_loads.dag_id = worklist.dag_id
            and run_loads.run_id = worklist.run_id
),

gaps as (
    select
        *,
        first_load_number - max(last_load_number) over (
            order by first_load_number, last_load_number
            rows between unbounded preceding and 1 preceding
        ) as gap_count
    from loads
),

-- The two widest gaps divide the rest.
dividers as (
    select
        *,
        coalesce(gap_count > 1, false)
        and row_number() over (order by gap_count desc nulls last, first_load_number) <= 2
            as is_divider
    from gaps
),

reaches as (
    select
        *,
        1 + count(*) filter (where is_divider) over (
            order by first_load_number, last_load_number
            rows between unbounded preceding and current row
        ) as reach_number
    from dividers
)

select
    {% for number in [1, 2, 3] -%}
    min(first_load_number) filter (where reach_number = {{ number }})
        as reach_{{ number }}_from_number,
    max(last_load_number) filter (where reach_number = {{ number }})
        as reach_{{ number }}_to_number{{ ',' if not loop.last }}
    {% endfor -%}
from reaches
