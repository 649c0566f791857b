-- How long does the DAG's run usually take?
select
    basis_kind,
    sample_count,
    min_seconds,
    median_seconds,
    p95_seconds,
    max_seconds
from marts.agg_dag_durations
where
    cluster = $cluster
    and dag_id = $dag_id
limit 1
