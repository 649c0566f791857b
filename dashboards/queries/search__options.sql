-- What can the hits be narrowed by? Every value that a DAG has.
select
    array_agg(distinct owners) as owners,
    array_agg(distinct team) as teams,
    array_agg(distinct tier) as tiers,
    array_agg(distinct project) as projects,
    array_agg(distinct tags) as tags,
    array_agg(distinct last_run_state) as last_states,
    array_agg(distinct schedule_kind) as schedule_kinds
from marts.dim_search_entries
where entry_kind = $dag
