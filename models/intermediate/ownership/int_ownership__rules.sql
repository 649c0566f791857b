-- The rules of the seed with their globs translated once.
{{ config(materialized='table') }}

with rules as (
    select * from {{ ref('ownership_rules') }}
),

anchored as (
    select
        rule_number,
        match_kind,
        coalesce(cluster_pattern, '*') as cluster_pattern,
        -- as in a CODEOWNERS file: a leading slash anchors, anything else matches at any depth
        case
            when match_kind <> 'file_path' then pattern
            when starts_with(pattern, '/') or starts_with(pattern, '**/') then pattern
            else '**/' || pattern
        end as anchored_pattern,
        nullif(trim(team), '') as team,
        nullif(trim(tier), '') as tier,
        nullif(trim(project), '') as project,
        nullif(trim(owner), '') as owner
    from rules
)

select
    rule_number,
    match_kind,

    {{ glob_like('cluster_pattern') }} as cluster_like_pattern,
    {{ glob_regex('cluster_pattern') }} as cluster_regex,
    case
        when match_kind = 'file_path'
            then {{ glob_like("rtrim(anchored_pattern, '/')") }} || '%'
        else {{ glob_like('anchored_pattern') }}
    end as like_pattern,
    case
        when match_kind = 'file_path'
            -- a pattern that names a folder holds for all in it
            then {{ glob_regex("rtrim(anchored_pattern, '/')", is_path=true) }}
                || if(ends_with(anchored_pattern, '/'), '/.*', '(?:/.*)?')
        else {{ glob_regex('anchored_pattern') }}
    end as regex,

    team,
    tier,
    project,
    owner
from anchored
