-- How long does a run of this DAG usually take?
select
    basis_kind,
    oldest_sample_at,
    newest_sample_at,
    sample_count,
    min_seconds,
    mean_seconds,
    median_seconds,
    p95_seconds,
    max_seconds,
    mad_seconds
from marts.agg_dag_durations
where
    cluster = $cluster
    and dag_id = $dag_id
limit 1
