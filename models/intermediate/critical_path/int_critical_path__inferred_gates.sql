-- Gates of instances whose DAG was never landed: the last instance that had ended when each began.
{{ config(materialized='table') }}

with ordered as (
    select
        node_number,
        run_number,
        first_started_at,
        stamped_at,
        row_number() over (
            partition by run_number
            order by stamped_at, first_started_at, task_number, map_index
        ) as order_number
    from {{ ref('int_critical_path__nodes') }}
    where structure_number is null and has_run
),

ends as (
    select
        run_number,
        stamped_at,
        max(order_number) as order_number
    from ordered
    group by run_number, stamped_at
),

gated as (
    select
        ordered.node_number,
        ordered.run_number,
        -- least() of this engine skips nulls: without an earlier end there is no gate
        if(
            ends.order_number is null,
            null,
            least(ends.order_number, ordered.order_number - 1)
        ) as gate_order_number
    from ordered
    asof left join ends
        on ordered.run_number = ends.run_number and ordered.first_started_at >= ends.stamped_at
)

select
    gated.node_number,
    gates.node_number as gate_number
from gated
-- the first one has none
left join ordered as gates
    on gated.run_number = gates.run_number and gated.gate_order_number = gates.order_number
