-- Who answers for each DAG, and how critical is it?
select
    cluster,
    dag_id,
    owner,
    team,
    tier
from marts.dim_dags
where ($cluster is null or cluster = $cluster)
order by cluster, dag_id
limit $row_limit
