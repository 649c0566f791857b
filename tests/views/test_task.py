"""The Task page on full, empty, stale and hostile warehouses."""

from datetime import timedelta
from typing import Any

import pytest

from dashboards import links
from tests.views.conftest import Open, html_of
from tests.views.snapshots import (
    AS_OF,
    STALE_NOW,
    full,
    hostile,
    hostile_names,
    instance,
)

PAGE = "views/task.py"
LOAD = {"cluster": "prod-eu", "dag_id": "ads_daily", "task_id": "load"}
VIEWS = ("durations", "waits", "tries", "versions")


def history() -> dict[str, list[dict[str, Any]]]:
    """A task that ran ten times in ten minutes, and the last time waited for a pool."""
    runs = [instance("load", run_id=f"r{n:02}", seconds=600, after=n * 60,
                     run_started_at=AS_OF - timedelta(hours=20 - n), run_kind="scheduled",
                     version_key="v1" if n < 5 else "v2", try_count=1) for n in range(10)]
    runs[-1] |= {"duration_seconds": 2520.0, "is_on_critical_path": True}
    step = {**LOAD, "run_id": "r09", "map_index": -1, "path_kind": "finish", "step_number": 2,
            "limited_by": "pool:etl", "ready_at": AS_OF, "handoff_seconds": 800.0,
            "past_run_wait_seconds": 0.0, "limit_wait_seconds": 720.0,
            "scheduler_wait_seconds": 50.0, "startup_wait_seconds": 20.0,
            "external_wait_seconds": 0.0, "running_seconds": 2520.0, "retry_wait_seconds": 0.0,
            "deferred_seconds": 0.0}
    return full() | {"fct_task_instances": runs, "fct_critical_path_steps": [step]}


def test_the_answer_is_a_sentence_with_its_numbers(open_page: Open) -> None:
    page = html_of(open_page(history(), PAGE, **LOAD))
    assert ('Takes <b><span title="600.000 s">10 m 00 s</span></b> usually (median of 30), on the '
            "critical path in <b>83 %</b> of 30 successful runs; ") in page
    assert '<b class="ws-caution"><span title="2,520.000 s">42 m 00 s</span></b>' in page
    assert "waited <span title=\"720.000 s\">12 m 00 s</span> for pool" in page


def test_the_facts_and_statistics_are_there(open_page: Open) -> None:
    page = html_of(open_page(history(), PAGE, **LOAD))
    assert "2 retries after 5 m 00 s" in page
    assert '<span class="ws-quiet">p95</span>' in page
    assert "model path" in page
    assert "dotted upright: the DAG" in page


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws_and_marks_its_tab(open_page: Open, view: str) -> None:
    page = html_of(open_page(history(), PAGE, view=view, **LOAD))
    assert f'data-chosen="true"><a class="ws-link" href="task?view={view}&amp;' in page


def test_waits_are_split_on_the_path_and_queued_off_it(open_page: Open) -> None:
    page = html_of(open_page(history(), PAGE, view="waits", **LOAD))
    assert "12 m 00 s" in page
    assert ">path<" in page
    assert "queue alone" in page


def test_an_index_of_a_mapped_task_is_chosen_by_the_url(open_page: Open) -> None:
    asked = LOAD | {"task_id": "split"}
    page = html_of(open_page(full(), PAGE, **asked))
    assert "2 instances" in page
    assert "(1 of 2 indices)" in page
    page = html_of(open_page(None, PAGE, map_index="1", **asked))
    assert "1 instance" in page
    assert "task_id=split&amp;map_index=1" in page
    assert "▲ upstream failed" in page


@pytest.mark.parametrize("index", ["-1", "x", "99999999999999999999", "<b>"])
def test_nonsense_in_the_url_shows_every_index(open_page: Open, index: str) -> None:
    page = html_of(open_page(full(), PAGE, map_index=index, view="?", **(
        LOAD | {"task_id": "split"})))
    assert "2 instances" in page


def test_a_task_that_never_ran_says_so(open_page: Open) -> None:
    rows = full() | {"fct_task_instances": [], "agg_task_durations": []}
    assert "<b>Has never run</b>" in html_of(open_page(rows, PAGE, **LOAD))
    for view in VIEWS:
        assert "<b>Has never run</b>" in html_of(open_page(None, PAGE, view=view, **LOAD))


def test_a_running_instance_counts_so_far(open_page: Open) -> None:
    rows = full() | {"fct_task_instances": [
        instance("load", state="running", seconds=None,
                 run_started_at=AS_OF - timedelta(minutes=60))]}
    page = html_of(open_page(rows, PAGE, **LOAD))
    assert "1 h 00 m</span> so far" in page


def test_each_try_is_listed(open_page: Open) -> None:
    rows = full() | {"fct_task_attempts": [
        {**LOAD, "run_id": "scheduled__1", "map_index": -1, "try_number": n, "state": state,
         "outcome": outcome, "started_at": AS_OF, "duration_seconds": 5.0}
        for n, state, outcome in ((1, "failed", "retried"), (2, "success", "success"))]}
    page = html_of(open_page(rows, PAGE, view="tries", **LOAD))
    assert "2 tries" in page
    assert "try_number=2" in page


def test_links_lead_to_the_run_and_to_airflow(open_page: Open) -> None:
    rows = history()
    rows["dim_clusters"][0]["base_url"] = "https://airflow.example"
    page = html_of(open_page(rows, PAGE, **LOAD))
    assert "run?cluster=prod-eu&amp;dag_id=ads_daily&amp;run_id=r09&amp;task_id=load" in page
    assert 'href="https://airflow.example/dags/ads_daily/runs/r09/tasks/load"' in page


@pytest.mark.parametrize("query", [
    {}, LOAD | {"task_id": "<img src=x>"}, LOAD | {"cluster": "elsewhere"}])
def test_a_link_to_nothing_offers_a_way_on(open_page: Open, query: dict[str, str]) -> None:
    page = html_of(open_page(full(), PAGE, **query))
    assert "No such task" in page
    assert f'href="{links.to("discover")}' in page
    assert "<img" not in page


def test_stale_data_says_so(open_page: Open) -> None:
    assert "<b>Stale:</b>" in html_of(open_page(full(), PAGE, now=STALE_NOW, **LOAD))


# every name once, every view with a name that is a tag
def test_hostile_names_are_text(open_page: Open) -> None:
    names = hostile_names()
    shown = [(name, VIEWS[number % len(VIEWS)]) for number, name in enumerate(names)]
    shown += [(names[0], view) for view in VIEWS[1:]]
    for number, (name, view) in enumerate(shown):
        rows = None if number else hostile()
        page = html_of(open_page(rows, PAGE, cluster=name, dag_id=name, task_id=name, view=view))
        for tag in ("<img", "<script", "<b>bold"):
            assert tag not in page
        assert 'href="http' not in page
