-- Who answers for a DAG, and how that is known. What the authors of a DAG say of it (its owners,
-- its tags) beats the company's rules; rules beat what is only guessed (a team named like the
-- owner, a project named like the folder). An owner that Airflow filled in says nothing.
{{ config(materialized='table') }}

with known_dags as (
    select * from {{ ref('int_dags__known') }}
),

dags as (
    select * from {{ ref('stg_airflow_db__dags') }}
),

default_owners as (
    select * from {{ ref('ownership_default_owners') }}
),

tag_facts as (
    select * from {{ ref('int_ownership__tag_facts') }}
),

rule_facts as (
    select * from {{ ref('int_ownership__dag_rules') }}
),

recorded_owners as (
    select
        owners.cluster,
        owners.dag_id,
        list(owners.owner order by owners.owner) as owners,
        list(owners.owner order by owners.owner) filter (where default_owners.owner is null)
            as named_owners
    from {{ ref('int_dags__owners') }} as owners
    -- most owners are no default
    left join default_owners on owners.owner = default_owners.owner
    group by owners.cluster, owners.dag_id
),

candidates as (
    select
        known_dags.cluster,
        known_dags.dag_id,
        recorded_owners.owners,
        recorded_owners.named_owners,
        tag_facts.team as tag_team,
        tag_facts.tier as tag_tier,
        tag_facts.project as tag_project,
        tag_facts.owner as tag_owner,
        rule_facts.* exclude (cluster, dag_id),
        -- a folder right below the root of the DAG bundle, unless the file lies in the root
        nullif(regexp_extract(dags.relative_file_path, '^([^/]+)/', 1), '') as folder_project
    from known_dags
    -- DAGs without a row, without tags, without a rule
    left join dags on known_dags.cluster = dags.cluster and known_dags.dag_id = dags.dag_id
    left join recorded_owners
        on
            known_dags.cluster = recorded_owners.cluster
            and known_dags.dag_id = recorded_owners.dag_id
    left join tag_facts
        on known_dags.cluster = tag_facts.cluster and known_dags.dag_id = tag_facts.dag_id
    left join rule_facts
        on known_dags.cluster = rule_facts.cluster and known_dags.dag_id = rule_facts.dag_id
),

owned as (
    select
        *,
        case
            when named_owners is not null then owners
            when tag_owner is not null then [tag_owner]
            when owner is not null then [owner]
            else owners
        end as all_owners,
        case
            when named_owners is not null then 'owner'
            when tag_owner is not null then 'tag'
            when owner is not null then 'rule ' || owner_rule_number
            when owners is not null then 'default'
        end as owner_basis,
        case
            when len(named_owners) = 1 then named_owners[1]
            when named_owners is null then coalesce(tag_owner, owner)
        end as only_owner
    from candidates
)

select
    cluster,
    dag_id,

    array_to_string(all_owners, ', ') as owner,
    owner_basis,
    coalesce(all_owners, []) as owners,
    coalesce(tag_team, team, only_owner) as team,
    case
        when tag_team is not null then 'tag'
        when team is not null then 'rule ' || team_rule_number
        when only_owner is not null then 'owner'
    end as team_basis,
    coalesce(tag_tier, tier) as tier,
    case
        when tag_tier is not null then 'tag'
        when tier is not null then 'rule ' || tier_rule_number
    end as tier_basis,
    coalesce(tag_project, project, folder_project) as project,
    case
        when tag_project is not null then 'tag'
        when project is not null then 'rule ' || project_rule_number
        when folder_project is not null then 'path'
    end as project_basis
from owned
