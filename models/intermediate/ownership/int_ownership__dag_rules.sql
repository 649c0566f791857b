-- What the rules say of each DAG: per column the last rule that matches and gives one.
{{ config(materialized='table') }}

with dags as (
    select * from {{ ref('stg_airflow_db__dags') }}
),

-- Everything of a DAG that a pattern can be compared with. DAGs without a row have their id alone.
subjects as (
    select
        cluster,
        dag_id,
        'dag_id' as match_kind,
        dag_id as word
    from {{ ref('int_dags__known') }}

    union all

    select
        cluster,
        dag_id,
        'file_path' as match_kind,
        unnest(list_filter(
            [file_path, '/' || relative_file_path], lambda path: path is not null
        )) as word
    from dags

    union all

    select
        cluster,
        dag_id,
        'owner' as match_kind,
        owner as word
    from {{ ref('int_dags__owners') }}

    union all

    select
        cluster,
        dag_id,
        'tag' as match_kind,
        tag as word
    from {{ ref('int_dags__tags') }}
),

rules as (
    select * from {{ ref('int_ownership__rules') }}
),

cluster_rules as (
    select
        clusters.cluster,
        rules.*
    from (select distinct cluster from subjects) as clusters
    inner join rules
        on {{ glob_matches(
            'clusters.cluster', 'rules.cluster_like_pattern', 'rules.cluster_regex'
        ) }}
),

matches as (
    select
        subjects.cluster,
        subjects.dag_id,
        cluster_rules.rule_number,
        cluster_rules.team,
        cluster_rules.tier,
        cluster_rules.project,
        cluster_rules.owner
    from subjects
    inner join cluster_rules
        on
            subjects.cluster = cluster_rules.cluster
            and subjects.match_kind = cluster_rules.match_kind
            and {{ glob_matches(
                'subjects.word', 'cluster_rules.like_pattern', 'cluster_rules.regex'
            ) }}
)

select
    cluster,
    dag_id,
    {% for fact in ['team', 'tier', 'project', 'owner'] %}
    arg_max({{ fact }}, rule_number) filter (where {{ fact }} is not null) as {{ fact }},
    max(rule_number) filter (where {{ fact }} is not null) as {{ fact }}_rule_number
    {{- ',' if not loop.last }}
    {%- endfor %}
from matches
group by cluster, dag_id
