-- Every instance with the instant that counts as its end for those that wait for it.
{{ config(materialized='table') }}

with nodes as (
    select * from {{ ref('int_critical_path__nodes') }}
),

hidden as (
    select * from {{ ref('int_critical_path__hidden') }}
)

select
    nodes.node_number,
    nodes.run_number,
    nodes.structure_number,
    nodes.task_number,
    nodes.map_index,

    nodes.state,
    case
        when not nodes.has_run then 'hidden'
        when nodes.trigger_rule in ('always', 'dummy') then 'none'
        when nodes.trigger_rule in ('one_success', 'one_failed', 'one_done') then nodes.trigger_rule
        else 'latest'
    end as gate_rule,

    if(nodes.has_run, nodes.stamped_at, hidden.effective_end_at) as effective_end_at,

    hidden.gate_number as hidden_gate_number,
    nodes.tie_break_number,

    nodes.has_run
from nodes
-- only what never ran
left join hidden on nodes.node_number = hidden.node_number
