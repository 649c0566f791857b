"""Airflow's trigger rules, as the generator's scheduler applies them.

    at_once("all_success", "failed")  ->  "upstream_failed": one upstream's end is enough
    at_last("one_success", states)    ->  what is decided when all have ended
"""


def at_once(rule: str, state: str) -> str | None:
    """What one upstream's end decides on its own."""
    is_failure = state in ("failed", "upstream_failed")
    stopped_by_failure = ("all_success", "none_failed", "none_failed_min_one_success")
    if rule in stopped_by_failure and is_failure:
        return "upstream_failed"
    if rule in ("all_success", "none_skipped") and state == "skipped":
        return "skipped"
    if rule == "all_failed" and not is_failure:
        return "skipped"
    if rule == "all_skipped" and state != "skipped":
        return "skipped"
    starters = {"one_success": ("success",), "one_failed": ("failed", "upstream_failed"),
                "one_done": ("success", "failed")}
    return "run" if state in starters.get(rule, ()) else None


def at_last(rule: str, states: list[str]) -> str:
    """What is decided when every upstream has ended and none decided on its own."""
    if rule == "one_success":
        return "skipped" if set(states) == {"skipped"} else "upstream_failed"
    if rule in ("one_failed", "one_done"):
        return "skipped"
    if rule == "none_failed_min_one_success" and "success" not in states:
        return "skipped"
    if rule in ("all_done_min_one_success", "all_done_setup_success") and "success" not in states:
        return "skipped" if "skipped" in states else "upstream_failed"
    return "run"
