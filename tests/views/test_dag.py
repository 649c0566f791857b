"""The DAG page on full, empty, stale and hostile warehouses."""

from datetime import timedelta
from typing import Any

import pytest

from dashboards import links
from tests.views.conftest import Open, html_of
from tests.views.snapshots import (
    AS_OF,
    STALE_NOW,
    cluster,
    dag,
    durations,
    full,
    hostile,
    hostile_names,
    instance,
    run,
    task,
)

PAGE = "views/dag.py"
ADS = {"cluster": "prod-eu", "dag_id": "ads_daily"}
VIEWS = ("runs", "grid", "graph", "tasks", "tries", "versions", "audit", "errors")


def terms(**seconds: float) -> dict[str, float]:
    """The terms of a run; those that are not named are 0."""
    names = ("lead", "running", "retry_wait", "deferred", "external_wait", "handoff", "tail")
    return {f"{name}_seconds": seconds.get(name, 0.0) for name in names}


def late() -> dict[str, list[dict[str, Any]]]:
    """A DAG whose last run took an hour instead of ten minutes, because one task ran long."""
    usual = [run(run_id=f"scheduled__{n}", minutes_ago=60 * (30 - n), seconds=600,
                 **terms(running=500, handoff=100)) for n in range(20)]
    steps = [{"cluster": "prod-eu", "dag_id": "ads_daily", "run_id": "scheduled__x",
              "path_kind": "finish", "step_number": number, "task_id": name, "map_index": -1,
              "limited_by": None, "limit_wait_seconds": 0.0, "handoff_seconds": 50.0,
              "external_wait_seconds": 0.0, "running_seconds": seconds, "retry_wait_seconds": 0.0,
              "deferred_seconds": 0.0}
             for number, (name, seconds) in enumerate((("extract", 100.0), ("load", 3400.0)), 1)]
    return full() | {
        "fct_dag_runs": [*usual, run(run_id="scheduled__x", minutes_ago=61, seconds=3600,
                                     **terms(running=3500, handoff=50, lead=50))],
        "fct_critical_path_steps": steps,
        "agg_task_durations": [durations(90, task_id="extract"), durations(400, task_id="load")]}


def test_what_made_the_last_run_late_is_the_first_sentence(open_page: Open) -> None:
    page = html_of(open_page(late(), PAGE, **ADS))
    assert 'took <b><span title="3,600.000 s">1 h 00 m</span></b>, usually' in page
    assert "10 m 00 s</span> (median of 30)" in page
    assert ('task_id=load" title="">load</a> made it late, it ran <span title="3,400.000 s">'
            "56 m 40 s</span>, usually") in page


def test_a_wait_for_a_full_pool_is_named(open_page: Open) -> None:
    rows = late()
    rows["fct_dag_runs"][-1] |= terms(running=500, handoff=3100)
    rows["fct_critical_path_steps"][-1] |= {
        "running_seconds": 400.0, "handoff_seconds": 3050.0, "limit_wait_seconds": 3000.0,
        "limited_by": "pool:etl"}
    page = html_of(open_page(rows, PAGE, **ADS))
    assert 'it waited <span title="3,050.000 s">50 m 50 s</span> to start, pool' in page
    assert '<span class="ws-id">etl</span> was full' in page


@pytest.mark.parametrize(("changes", "words"), [
    ({"state": "running", "seconds": None, "minutes_ago": 22}, "is <b>running</b> since"),
    ({"state": "queued", "seconds": None, "started_at": None}, "is <b>queued</b> since"),
    ({"state": "failed", "seconds": 42}, '<b class="ws-bad">failed</b>'),
    ({"state": "success", "seconds": 610}, "took <b>"),
])
def test_each_end_of_the_last_run_has_its_sentence(
        open_page: Open, changes: dict[str, Any], words: str) -> None:
    rows = full() | {"fct_dag_runs": [run(run_id="one", **changes)]}
    page = html_of(open_page(rows, PAGE, **ADS))
    assert words in page
    assert "10 m 00 s</span> (median of 30)" in page


def test_the_failed_task_is_named_with_its_tries(open_page: Open) -> None:
    rows = full() | {
        "fct_dag_runs": [run(state="failed")],
        "fct_task_instances": [instance("load", state="failed", try_count=3),
                               instance("split", state="failed", after=60)]}
    page = html_of(open_page(rows, PAGE, **ADS))
    assert "load</a> failed after 3 tries, and 1 other task too" in page


@pytest.mark.parametrize(("dag_id", "cluster_name", "words"), [
    ("orders", "prod-eu", "It is paused"),
    ("long_ago", "prod-eu", "<b>Deleted in Airflow</b>"),
    ("never_ran", "prod-eu", "<b>Has never run</b>. Its first run is due"),
    ("both", "staging", "<b>Has never run</b>: its file does not parse now"),
])
def test_what_keeps_it_from_running_is_said(
        open_page: Open, dag_id: str, cluster_name: str, words: str) -> None:
    assert words in html_of(open_page(full(), PAGE, cluster=cluster_name, dag_id=dag_id))


def test_the_facts_are_one_line(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE, **ADS))
    assert ('At 12:10</span> (<span class="ws-id">10 12 * * *</span>) Europe/Berlin</span> · '
            '<span>owner ann</span> · <span><span class="ws-chip">gold</span></span> · '
            "<span>next run") in page
    assert "(in 1 h 00 m)" in page


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws_and_marks_its_tab(open_page: Open, view: str) -> None:
    page = html_of(open_page(full(), PAGE, view=view, **ADS))
    assert f'data-chosen="true"><a class="ws-link" href="dag?view={view}&amp;' in page


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dag_id", ["never_ran", "long_ago"])
def test_a_dag_without_anything_draws_every_view(
        open_page: Open, view: str, dag_id: str) -> None:
    page = html_of(open_page(full(), PAGE, cluster="prod-eu", dag_id=dag_id, view=view))
    assert "ws-answer" in page
    assert "cannot be shown" not in page


def test_runs_are_filtered_and_sorted_by_the_url(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE, state="failed", sort="total", **ADS))
    assert "<b>" in page
    assert "1 of 1 run" in page
    assert "scheduled__2</a>" in page
    assert ">scheduled__1</a>" not in page
    assert 'aria-sort="ascending"' in page


def test_filters_that_fit_nothing_say_so(open_page: Open) -> None:
    assert "No run of it matches" in html_of(open_page(full(), PAGE, state="queued", **ADS))


def test_landing_times_of_what_was_never_due_say_so(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE, measure="landing", **ADS))
    assert "No run here says when it was due" in page


def test_landing_times_are_a_second_picture(open_page: Open) -> None:
    rows = full()
    rows["fct_dag_runs"][0] |= {"landing_seconds": 1200.0, "created_late_seconds": 60.0,
                                "run_queued_seconds": 40.0}
    app = open_page(rows, PAGE, measure="landing", **ADS)
    assert "From due to end" in html_of(app)


def test_the_grid_has_a_cell_a_task_and_run(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE, view="grid", **ADS))
    assert 'class="ws-link ws-g ws-s-failed"' in page
    assert "split: 1 of 2 failed" in page
    assert "run_id=scheduled__1&amp;task_id=split" in page
    assert 'title="middle"' in page
    assert "2\N{MULTIPLICATION SIGN}" in page


def test_the_tasks_carry_their_statistics(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE, view="tasks", **ADS))
    assert page.index(">load</a>") < page.index(">extract</a>") < page.index(">split</a>")
    assert "83 %" in page
    assert "not measured" in page
    page = html_of(open_page(None, PAGE, view="tasks", sort="task_id", **ADS))
    assert page.index(">extract</a>") < page.index(">load</a>") < page.index(">split</a>")


def test_tries_add_up_the_wait_between_them(open_page: Open) -> None:
    def attempt(number: int, minute: int, outcome: str) -> dict[str, Any]:
        began = AS_OF - timedelta(minutes=60 - minute)
        return {"cluster": "prod-eu", "dag_id": "ads_daily", "run_id": "scheduled__1",
                "task_id": "load", "map_index": -1, "try_number": number, "outcome": outcome,
                "started_at": began, "ended_at": began + timedelta(minutes=1)}

    rows = full() | {"fct_task_attempts": [
        attempt(1, 0, "retried"), attempt(2, 6, "retried"), attempt(3, 12, "success")]}
    page = html_of(open_page(rows, PAGE, view="tries", **ADS))
    assert "10 m 00 s lost to waiting for retries" in page
    assert "view=tries" in page


def test_without_retries_that_is_said(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE, view="tries", **ADS))
    assert "2 latest runs needed one try at the most" in page


def test_versions_tell_what_changed(open_page: Open) -> None:
    rows = full() | {
        "dim_dag_versions": [
            {**ADS, "version_key": f"key{n}", "version_number": n, "version_basis": "recorded",
             "first_seen_at": AS_OF + timedelta(days=n), "is_latest": n == 2} for n in (1, 2)],
        "fct_dag_version_changes": [
            {**ADS, "version_key": "key2", "change_number": 1, "change_kind": "task_added",
             "task_id": "fresh", "new_value": "BashOperator", "changed_at": AS_OF},
            {**ADS, "version_key": "key2", "change_number": 2, "change_kind": "task_changed",
             "task_id": "load", "field_name": "retries", "old_value": "0", "new_value": "3",
             "changed_at": AS_OF}]}
    page = html_of(open_page(rows, PAGE, view="versions", **ADS))
    assert page.index(">v2<") < page.index(">v1<")
    assert '<span class="ws-id">fresh</span> (BashOperator)' in page
    assert ('retries: <span class="ws-id">0</span> → <span class="ws-id">3</span>') in page
    assert "the first one known" in page


def test_the_audit_log_says_who_did_what(open_page: Open) -> None:
    rows = full() | {"fct_audit_events": [
        {**ADS, "event_id": 1, "event_name": "clear", "event_kind": "request",
         "actor_name": "bob", "run_id": "scheduled__1", "task_id": "load",
         "happened_at": AS_OF}]}
    page = html_of(open_page(rows, PAGE, view="audit", **ADS))
    assert 'bob <span class="ws-quiet">request</span>' in page
    assert "run_id=scheduled__1&amp;task_id=load" in page


def test_import_errors_fold_their_trace(open_page: Open) -> None:
    rows = full() | {"fct_import_errors": [
        {"cluster": "prod-eu", "file_path": "/dags/ads.py", "dag_ids": [], "error_key": "k",
         "error_class": "KeyError", "message": "x", "stack_trace": "line <1>\nline 2",
         "first_seen_at": AS_OF, "last_seen_at": AS_OF}]}
    page = html_of(open_page(rows, PAGE, view="errors", **ADS))
    assert "KeyError: x" in page
    assert "line &lt;1&gt;\nline 2" in page
    assert "1 stands now" in page


def test_a_file_without_errors_says_so(open_page: Open) -> None:
    assert "has parsed" in html_of(open_page(full(), PAGE, view="errors", **ADS))


def test_links_to_airflow_where_its_address_is_known(open_page: Open) -> None:
    rows = full()
    rows["dim_clusters"][0]["base_url"] = "https://airflow.example"
    page = html_of(open_page(rows, PAGE, **ADS))
    assert 'href="https://airflow.example/dags/ads_daily"' in page
    assert "Trigger in Airflow" in page


def test_without_an_address_of_airflow_the_page_says_how_to_set_it(open_page: Open) -> None:
    assert "base_url" in html_of(open_page(full(), PAGE, **ADS))


def test_a_link_without_a_cluster_finds_the_only_one_or_asks(open_page: Open) -> None:
    assert "ws-answer" in html_of(open_page(full(), PAGE, dag_id="ads_daily"))
    page = html_of(open_page(None, PAGE, dag_id="both"))
    assert "On which cluster?" in page
    assert "cluster=staging&amp;dag_id=both" in page


@pytest.mark.parametrize("query", [
    {"dag_id": "<img src=x>", "cluster": "prod-eu"}, {"dag_id": "nowhere"},
    {"dag_id": "ads_daily", "cluster": "elsewhere"}, {}])
def test_a_link_to_nothing_offers_the_search(open_page: Open, query: dict[str, str]) -> None:
    page = html_of(open_page(full(), PAGE, **query))
    assert "No such DAG" in page or "Which DAG?" in page
    assert f'href="{links.to("discover")}' in page
    assert "<img" not in page


def test_nonsense_in_the_url_shows_the_default(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE, view="<b>", count="9", state="\u202e", sort="x", **ADS))
    assert "2 of 2 runs" in page


def test_an_empty_warehouse_has_no_such_dag(open_page: Open) -> None:
    assert "No such DAG" in html_of(open_page({}, PAGE, **ADS))


def test_stale_data_and_what_is_not_production_say_so(open_page: Open) -> None:
    assert "<b>Stale:</b>" in html_of(open_page(full(), PAGE, now=STALE_NOW, **ADS))
    page = html_of(open_page(None, PAGE, cluster="staging", dag_id="stage_dag"))
    assert "staging cluster, not production" in page


def test_an_old_release_without_structures_has_its_grid(open_page: Open) -> None:
    rows = {"dim_clusters": [cluster(airflow_version="1.10.15")], "dim_dags": [dag()],
            "fct_dag_runs": [run(state=None)], "fct_task_instances": [instance()],
            "dim_tasks": [task(depth_index=None, trigger_rule=None, retries=None,
                               is_in_latest_structure=False, task_basis="instances")]}
    assert "ws-s-success" in html_of(open_page(rows, PAGE, view="grid", **ADS))
    for view in VIEWS:
        assert "ws-answer" in html_of(open_page(None, PAGE, view=view, **ADS))


# every name once, every view with a name that is a tag
def test_hostile_names_are_text(open_page: Open) -> None:
    names = hostile_names()
    shown = [(name, VIEWS[number % len(VIEWS)]) for number, name in enumerate(names)]
    shown += [(names[0], view) for view in VIEWS[1:]]
    for number, (name, view) in enumerate(shown):
        rows = None if number else hostile()
        page = html_of(open_page(rows, PAGE, cluster=name, dag_id=name, view=view))
        for tag in ("<img", "<script", "<b>bold"):
            assert tag not in page
        assert 'href="http' not in page
