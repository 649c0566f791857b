-- What tags say of their DAG: `team:ads`, `tier=1`, `Tier 1`. Where two tags of a DAG disagree, the
-- lower value counts: for tiers that is the more critical one.
with tags as (
    select * from {{ ref('int_dags__tags') }}
),

keys as (
    select * from {{ ref('ownership_tag_keys') }}
),

pairs as (
    select
        cluster,
        dag_id,
        lower(trim(regexp_extract(tag, '(?s)^([^:=]+)[:=]', 1))) as tag_key,
        trim(regexp_extract(tag, '(?s)^[^:=]+[:=](.*)$', 1)) as tag_value,
        false as is_bare_number
    from tags
    where regexp_matches(tag, '^[^:=]+[:=]')

    union all

    select
        cluster,
        dag_id,
        lower(regexp_extract(tag, '^\s*(\pL+)[\s_-]*\d+\s*$', 1)) as tag_key,
        regexp_extract(tag, '(\d+)\s*$', 1) as tag_value,
        true as is_bare_number
    from tags
    where regexp_full_match(tag, '\s*\pL+[\s_-]*\d+\s*')
),

facts as (
    select
        pairs.cluster,
        pairs.dag_id,
        keys.fact_kind,
        pairs.tag_value
    from pairs
    inner join keys
        on
            pairs.tag_key = keys.tag_key
            and (keys.has_bare_number or not pairs.is_bare_number)
    where pairs.tag_value <> ''
    qualify row_number() over (
        partition by pairs.cluster, pairs.dag_id, keys.fact_kind
        order by try_cast(pairs.tag_value as bigint) nulls last, pairs.tag_value
    ) = 1
)

select
    cluster,
    dag_id,

    max(tag_value) filter (where fact_kind = 'team') as team,
    max(tag_value) filter (where fact_kind = 'tier') as tier,
    max(tag_value) filter (where fact_kind = 'project') as project,
    max(tag_value) filter (where fact_kind = 'owner') as owner
from facts
group by cluster, dag_id
