-- Owners that Airflow joined into one text. The join is a comma and a blank; an owner may hold a
-- comma itself (`platform,ml`). Airflow 2 joins a set, whose order changes from parse to parse:
-- sorted here.
with dags as (
    select * from {{ ref('stg_airflow_db__dags') }}
)

select distinct
    cluster,
    dag_id,
    trim(unnest(string_split(owners_text, ', '))) as owner
from dags
