-- Who answers for a file with an import error: its own DAGs, else a rule on its path, else who owns
-- most of its folder, else of its bundle, else the owner that Airflow filled in.
{% set facts = ['owner', 'team', 'tier', 'project'] %}
with files as (
    select * from {{ ref('int_import_errors__files') }}
),

dags as (
    select * from {{ ref('int_ownership__dags') }}
),

neighbours as (
    select * from {{ ref('int_ownership__neighbours') }}
),

dags_of_files as (
    select
        cluster,
        bundle_name,
        file_path,
        unnest(dag_ids) as dag_id
    from files
),

owners_of_files as (
    select distinct
        dags_of_files.cluster,
        dags_of_files.bundle_name,
        dags_of_files.file_path,
        unnest(dags.owners) as owner,
        dags.owner_basis = 'default' as is_default
    from dags_of_files
    inner join dags
        on dags_of_files.cluster = dags.cluster and dags_of_files.dag_id = dags.dag_id
),

joined_owners as (
    select
        cluster,
        bundle_name,
        file_path,
        string_agg(owner, ', ' order by owner) filter (where not is_default) as owner,
        string_agg(owner, ', ' order by owner) filter (where is_default) as default_owner
    from owners_of_files
    group by cluster, bundle_name, file_path
),

-- DAGs of one file that disagree leave a fact open; of tiers the most critical counts.
own_facts as (
    select
        dags_of_files.cluster,
        dags_of_files.bundle_name,
        dags_of_files.file_path,
        case when count(distinct dags.team) = 1 then max(dags.team) end as team,
        arg_min(dags.tier, (coalesce(try_cast(dags.tier as bigint), 1000000), dags.tier))
            filter (where dags.tier is not null) as tier,
        case when count(distinct dags.project) = 1 then max(dags.project) end as project
    from dags_of_files
    inner join dags
        on dags_of_files.cluster = dags.cluster and dags_of_files.dag_id = dags.dag_id
    group by dags_of_files.cluster, dags_of_files.bundle_name, dags_of_files.file_path
)

select
    files.cluster,
    files.bundle_name,
    files.file_path,

    {% for fact in facts %}
    {% set own = 'joined_owners' if fact == 'owner' else 'own_facts' %}
    {% set near = [] if fact == 'tier' else ['folders', 'bundles'] %}
    coalesce(
        {{ own }}.{{ fact }}, rule_facts.{{ fact }}
        {%- for area in near %}, {{ area }}.{{ fact }}{% endfor %}
        {{- ', joined_owners.default_owner' if fact == 'owner' }}
    ) as {{ fact }},
    case
        when {{ own }}.{{ fact }} is not null then 'dags'
        when rule_facts.{{ fact }} is not null then 'rule ' || rule_facts.{{ fact }}_rule_number
        {% for area in near -%}
        when {{ area }}.{{ fact }} is not null then '{{ area[:-1] }}'
        {% endfor -%}
        {{ "when joined_owners.default_owner is not null then 'default'" if fact == 'owner' }}
    end as {{ fact }}_basis
    {{- ',' if not loop.last }}
    {% endfor %}
from files
-- files that never parsed, that no rule names, whose folder has no other DAG
left join joined_owners
    on
        files.cluster = joined_owners.cluster
        and files.bundle_name is not distinct from joined_owners.bundle_name
        and files.file_path = joined_owners.file_path
left join own_facts
    on
        files.cluster = own_facts.cluster
        and files.bundle_name is not distinct from own_facts.bundle_name
        and files.file_path = own_facts.file_path
left join {{ ref('int_ownership__file_rules') }} as rule_facts
    on
        files.cluster = rule_facts.cluster
        and files.bundle_name is not distinct from rule_facts.bundle_name
        and files.file_path = rule_facts.file_path
left join neighbours as folders
    on
        files.cluster = folders.cluster
        and folders.area_kind = 'folder'
        and files.folder_path = folders.area_name
left join neighbours as bundles
    on
        files.cluster = bundles.cluster
        and bundles.area_kind = 'bundle'
        and files.bundle_name = bundles.area_name
