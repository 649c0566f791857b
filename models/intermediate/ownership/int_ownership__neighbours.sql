-- Who owns most of a folder and of a bundle: more than half of all its DAGs. A file that never
-- parsed has no DAG of its own to ask. Tiers are not handed on: how critical a DAG is says nothing
-- of its neighbour.
{{ config(materialized='table') }}

with dags as (
    select
        dags.cluster,
        dags.bundle_name,
        regexp_replace(dags.file_path, '/[^/]*$', '') as folder_path,
        case when ownership.owner_basis <> 'default' then ownership.owner end as owner,
        ownership.team,
        ownership.project
    from {{ ref('stg_airflow_db__dags') }} as dags
    inner join {{ ref('int_ownership__dags') }} as ownership
        on dags.cluster = ownership.cluster and dags.dag_id = ownership.dag_id
),

areas as (
    select
        *,
        'folder' as area_kind,
        folder_path as area_name
    from dags
    where folder_path is not null

    union all

    select
        *,
        'bundle' as area_kind,
        bundle_name as area_name
    from dags
    where bundle_name is not null
),

facts as (
    {% for fact in ['owner', 'team', 'project'] %}
    select
        cluster,
        area_kind,
        area_name,
        '{{ fact }}' as fact_kind,
        {{ fact }} as fact,
        count(*) as dag_count
    from areas
    group by cluster, area_kind, area_name, fact
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

shares as (
    select
        *,
        dag_count / sum(dag_count) over (
            partition by cluster, area_kind, area_name, fact_kind
        ) as share_ratio
    from facts
)

select
    cluster,
    area_kind,
    area_name,

    max(fact) filter (where fact_kind = 'owner') as owner,
    max(fact) filter (where fact_kind = 'team') as team,
    max(fact) filter (where fact_kind = 'project') as project
from shares
where share_ratio > 0.5
group by cluster, area_kind, area_name
