-- Which DAGs and tasks are meant by this text, the likeliest first? Words of a task may be its DAG's, but
-- not all of them. A sorting that was asked for takes the place of the likeliness.
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
    (
        contains(search_text, $word_1)
        or contains(search_text, $word_2)
        or contains(search_text, $word_3)
        or contains(search_text, $word_4)
        or contains(search_text, $word_5)
        or contains(search_text, $word_6)
    )
    and (contains(search_text, $word_1) or contains(qualified_name, $word_1))
    and (contains(search_text, $word_2) or contains(qualified_name, $word_2))
    and (contains(search_text, $word_3) or contains(qualified_name, $word_3))
    and (contains(search_text, $word_4) or contains(qualified_name, $word_4))
    and (contains(search_text, $word_5) or contains(qualified_name, $word_5))
    and (contains(search_text, $word_6) or contains(qualified_name, $word_6))
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
    (
        $is_ranked and (
            regexp_matches(search_text, $exact)
            or regexp_matches(qualified_name, $exact)
            or lower(display_name) = $text
        )
    ) desc,
    ($is_ranked and regexp_matches(search_text, $prefix)) desc,
    (
        $is_ranked and regexp_matches(search_text, $start_1)
        and regexp_matches(search_text, $start_2) and regexp_matches(search_text, $start_3)
    ) desc,
    (
        $is_ranked
        and contains(search_text, $word_1) and contains(search_text, $word_2)
        and contains(search_text, $word_3) and contains(search_text, $word_4)
        and contains(search_text, $word_5) and contains(search_text, $word_6)
    ) desc,
    ($is_ranked and regexp_matches(qualified_name, $prefix)) desc,
    is_current desc,
    $direction * list_extract(
        [epoch(last_run_started_at), epoch(next_run_at), last_run_seconds], $sorted_by
    ) desc nulls last,
    entry_kind,
    run_count desc,
    entry_name,
    cluster,
    dag_id
limit $row_limit
