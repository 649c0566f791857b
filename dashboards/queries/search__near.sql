-- Which names hold the words of this text but for a slip in each, the most alike first?
select
    cluster,
    entry_kind,
    dag_id,
    task_id,
    entry_name,
    display_name,
    description,
    operator,
    cluster_kind,
    owner,
    team,
    tier,
    schedule,
    schedule_description,
    last_run_id,
    last_run_state,
    latest_runs,
    next_run_at,
    last_run_started_at,
    last_run_ended_at,
    last_run_seconds,
    median_seconds,
    sample_count,
    task_count,
    is_current,
    is_paused,
    has_import_errors
from marts.dim_search_entries
where
    regexp_matches(search_text, $near_1)
    and regexp_matches(search_text, $near_2)
    and regexp_matches(search_text, $near_3)
    and regexp_matches(search_text, $near_4)
    and regexp_matches(search_text, $near_5)
    and regexp_matches(search_text, $near_6)
    and ($entry_kind is null or entry_kind = $entry_kind)
    and ($cluster is null or cluster = $cluster)
    and ($owner is null or list_contains(owners, $owner))
    and ($team is null or team = $team)
    and ($tier is null or tier = $tier)
    and ($project is null or project = $project)
    and ($tag is null or list_contains(tags, $tag))
    and ($last_state is null or last_run_state = $last_state)
    and ($schedule_kind is null or schedule_kind = $schedule_kind)
    and ($is_paused is null or coalesce(is_paused, false) = $is_paused)
    and ($has_import_errors is null or has_import_errors = $has_import_errors)
    and ($is_current is null or is_current = $is_current)
order by
    is_current desc,
    round(jaro_winkler_similarity(search_text, $text), 6) desc,
    entry_kind,
    run_count desc,
    entry_name,
    cluster,
    dag_id
limit $row_limit
