-- How many DAGs and tasks are these, and how many of the DAGs need a look?
select
    count_if(is_current and entry_kind = $dag) as dag_count,
    count_if(is_current and entry_kind != $dag) as task_count,
    count(distinct cluster) as cluster_count,
    count_if(is_current and entry_kind = $dag and last_run_state = $failed) as failed_count,
    count_if(is_current and entry_kind = $dag and is_paused) as paused_count,
    count_if(is_current and entry_kind = $dag and has_import_errors) as import_error_count,
    count_if(not is_current) as gone_count
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
