-- What the rules on paths say of files with an import error: per column the last rule that matches.
with files as (
    select * from {{ ref('int_import_errors__files') }}
),

paths as (
    select
        cluster,
        bundle_name,
        file_path,
        unnest(list_filter(
            [absolute_file_path, '/' || relative_file_path], lambda path: path is not null
        )) as path
    from files
),

matches as (
    select
        paths.cluster,
        paths.bundle_name,
        paths.file_path,
        rules.rule_number,
        rules.team,
        rules.tier,
        rules.project,
        rules.owner
    from paths
    inner join {{ ref('int_ownership__rules') }} as rules
        on
            rules.match_kind = 'file_path'
            and {{ glob_matches(
                'paths.cluster', 'rules.cluster_like_pattern', 'rules.cluster_regex'
            ) }}
            and {{ glob_matches('paths.path', 'rules.like_pattern', 'rules.regex') }}
)

select
    cluster,
    bundle_name,
    file_path,
    {% for fact in ['team', 'tier', 'project', 'owner'] %}
    arg_max({{ fact }}, rule_number) filter (where {{ fact }} is not null) as {{ fact }},
    max(rule_number) filter (where {{ fact }} is not null) as {{ fact }}_rule_number
    {{- ',' if not loop.last }}
    {%- endfor %}
from matches
group by cluster, bundle_name, file_path
