-- When did a landing of each cluster last fail?
select
    cluster,
    max(failed_at) as failed_at
from marts.fct_failed_loads
group by cluster
