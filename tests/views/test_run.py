"""The Run page on runs of every end, on empty, stale and hostile warehouses."""

import re
from functools import partial
from html import unescape
from typing import Any

import pytest

from tests.views.conftest import Open, html_of
from tests.views.run_rows import FAILED, QUEUED, RUNNING, SLOW, full_run, hostile_run
from tests.views.snapshots import FRESH_NOW, STALE_NOW, cluster, hostile_names, run


@pytest.fixture
def open_page(open_page: Open) -> Open:
    """The Run page."""
    return partial(open_page, page="views/run.py")


def text_of(html: str) -> str:
    """What a person reads of it."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html)))


def test_the_sentence_of_a_slow_run(open_page: Open) -> None:
    page = html_of(open_page(full_run(), **SLOW))
    assert ("Took 18 m 20 s, usually 12 m 00 s (median of 30): 46 % transform running (8 m 20 s, "
            "its max so far was 6 m 20 s), 27 % extract running (5 m 00 s, its max so far was "
            "4 m 40 s), 7 % waiting for pool etl (1 m 20 s), 20 % in smaller parts."
            ) in text_of(page)


def test_the_bar_adds_up_in_words(open_page: Open) -> None:
    page = html_of(open_page(full_run(), **SLOW))
    assert ("lead 1 m 40 s (1 m 20 s of it waiting for a limit) + running 13 m 20 s + waiting for "
            "the scheduler 50 s + waiting for the world 1 m 00 s + waiting for a retry 40 s + "
            "tail 50 s = 18 m 20 s · work on the path 13 m 20 s") in text_of(page)


def test_widths_of_bar_and_waterfall_fill_the_run(open_page: Open) -> None:
    page = html_of(open_page(full_run(), **SLOW))
    bar = re.search(r'<div class="ws-bar".*?</div>', page, re.S)
    assert bar is not None
    outer = re.findall(r'class="ws-seg [^"]*" style="width:([\d.]+)%', bar.group())
    assert sum(map(float, outer)) == pytest.approx(100, abs=0.01)
    falls = re.findall(r'style="left:([\d.]+)%;width:([\d.]+)%', page)
    at = 0.0
    for left, width in falls:
        assert float(left) == pytest.approx(at, abs=0.01)
        at += float(width)
    assert at == pytest.approx(100, abs=0.01)


def test_what_makes_numbers_less_certain_is_a_word_with_a_reason(open_page: Open) -> None:
    page = html_of(open_page(full_run(), **SLOW))
    for word in ("re-run", "missing tries", "clock skew", "lost task", "waits estimated"):
        assert re.search(rf'<span class="ws-chip" title="[^"]+">{word}</span>', page), word
    assert "made 4 m 50 s late, queued for 10 s" in text_of(page)


def test_ways_to_airflow(open_page: Open) -> None:
    page = html_of(open_page(full_run(), **SLOW, task_id="extract"))
    assert 'href="https://airflow.example/dags/ads_daily/runs/scheduled__1"' in page
    assert "Clear or mark in Airflow ↗" in page
    assert "runs/scheduled__1/tasks/extract" in page


def test_without_an_address_there_is_no_way_to_airflow(open_page: Open) -> None:
    without = full_run() | {"dim_clusters": [cluster()]}
    assert "in Airflow ↗" not in html_of(open_page(without, **SLOW))


def test_a_failed_run_says_who_and_what_it_stopped(open_page: Open) -> None:
    app = open_page(full_run(), **FAILED)
    words = text_of(html_of(app))
    assert ("Failed after 7 m 00 s, usually 12 m 00 s (median of 30): split [0] failed after 1 try "
            "and stopped 1 task behind it.") in words
    assert "What led to its last failure" in words
    for word in ("structure inferred", "deleted in Airflow"):
        assert word in words
    finish = text_of(html_of(open_page(None, **FAILED, path="finish")))
    assert "cleanup" in finish
    assert "7 m 00 s of 7 m 00 s, from the run's start to its end" in finish


def test_a_running_run_says_where_it_is(open_page: Open) -> None:
    words = text_of(html_of(open_page(full_run(), **RUNNING)))
    assert "Running for 22 m 00 s, usually 18 m 00 s (median of 30); now in load since" in words
    assert "(21 m 40 s), its usual 5 m 00 s. So far: 98 % load running" in words
    assert "so far" in words
    assert "structure estimated" in words


def test_a_queued_run_says_why(open_page: Open) -> None:
    words = text_of(html_of(open_page(full_run(), **QUEUED)))
    assert ("not started yet: 1 run of its DAG goes on, as many as max_active_runs (1) allows; the "
            "oldest is manual__1") in words


def test_a_queued_run_of_a_paused_dag_says_so(open_page: Open) -> None:
    paused = full_run()
    paused["dim_dags"][0]["is_paused"] = True
    assert "its DAG is paused" in text_of(html_of(open_page(paused, **QUEUED)))


def test_a_run_without_task_instances(open_page: Open) -> None:
    idle = RUNNING | {"run_id": "manual__0"}
    words = text_of(html_of(open_page(full_run(), **idle)))
    assert "no task of it is in state failed, so somebody set its state" in words
    assert "It has no task instances" in words
    for view in ("whatif", "compare", "gantt", "tasks", "chain"):
        open_page(None, **idle, view=view)


@pytest.mark.parametrize("named", [{}, {"cluster": "prod-eu"}, SLOW | {"run_id": "<img src=x>"},
                                   SLOW | {"dag_id": "nowhere"}])
def test_a_link_to_nothing_offers_a_way_on(open_page: Open, named: dict[str, str]) -> None:
    page = html_of(open_page(full_run(), **named))
    assert "No such run is in the warehouse" in page or "No run is named" in page
    assert "<img" not in page
    assert 'href="runs' in page
    if named.get("dag_id") == "ads_daily":
        assert "run_id=scheduled__2" in page        # its newest runs


def test_stale_data_says_so(open_page: Open) -> None:
    assert "<b>Stale:</b>" in html_of(open_page(full_run(), now=STALE_NOW, **SLOW))


def test_an_empty_warehouse(open_page: Open) -> None:
    assert "No such run" in html_of(open_page({"dim_clusters": [cluster()]}, **SLOW))


def test_a_run_of_which_little_is_recorded(open_page: Open) -> None:
    bare = {"dim_clusters": [cluster("old", airflow_version="1.10.15")],
            "fct_dag_runs": [run(cluster="old", queued_at=None)]}
    words = text_of(html_of(open_page(bare, **(SLOW | {"cluster": "old"}))))
    assert "Took 18 m 20 s (no earlier success to compare with)" in words


@pytest.mark.parametrize(("view", "words"), [
    ("path", "What made it end when it did"), ("gantt", "6 of 6 task instances"),
    ("tasks", "6 of 6 task instances"), ("chain", "What waited for it"),
    ("whatif", "Move a slider"), ("compare", "the rows add up to +6 m 40 s"),
    ("nonsense", "What made it end when it did")])
def test_each_view_is_a_url(open_page: Open, view: str, words: str) -> None:
    assert words in text_of(html_of(open_page(full_run(), **SLOW, view=view)))


def test_the_chain_crosses_clusters_and_adds_up(open_page: Open) -> None:
    page = html_of(open_page(full_run(), **SLOW, view="chain"))
    words = text_of(page)
    assert "95 % of the 18 m 20 s from the start of sales to the end of this run is sales" in words
    assert 'href="run?cluster=staging&amp;dag_id=sales&amp;run_id=scheduled__9"' in page
    assert "followed so far and no further" in words
    assert "reports" in words


def test_what_waited_is_named_in_the_sentence(open_page: Open) -> None:
    rows = full_run()
    for step in rows["fct_critical_path_steps"]:
        if step["task_id"] == "transform":
            step.update(running_seconds=10.0)
        if step["task_id"] == "wait_sales":
            step.update(external_wait_seconds=550.0)
    assert "50 % wait_sales waiting for sales" in text_of(html_of(open_page(rows, **SLOW)))


def test_compare_names_versions_and_tasks_of_one_run_only(open_page: Open) -> None:
    words = text_of(html_of(open_page(full_run(), **SLOW, view="compare")))
    assert "6 m 40 s longer than scheduled__0" in words
    assert "Version 1 then, 2 now; changed: tasks and edges, structure." in words
    assert "Only then: dropped" in words
    assert "not in the warehouse" in text_of(html_of(
        open_page(None, **SLOW, view="compare", other="<b>")))


def test_a_task_of_the_url_opens_its_panel(open_page: Open) -> None:
    words = text_of(html_of(open_page(full_run(), **SLOW, task_id="extract")))
    assert "Ran 5 m 00 s, usually 4 m 40 s (median of its latest 1, longer than all" in words
    assert "job-7" in words
    assert "Who held pool etl while this task waited 1 m 40 s" in words
    assert "it was full for 1 m 00 s of that, at a size of 2" in words
    assert re.search(r"hog\s*1\s*120\s*100 %", words)       # two slots for sixty seconds
    mapped = text_of(html_of(open_page(None, **SLOW, task_id="split", map_index="1")))
    assert "It did not run: a task before it failed." in mapped
    gone = text_of(html_of(open_page(None, **SLOW, task_id="<b>x")))
    assert "This run has no instance of <b>x" in gone


def test_missing_tries_name_the_release(open_page: Open) -> None:
    words = text_of(html_of(open_page(full_run(), **SLOW, task_id="transform")))
    assert "2 tries of 3: Airflow 3.1.8 does not record the others" in words


def test_a_slider_of_the_url_changes_the_end(open_page: Open) -> None:
    app = open_page(full_run(), **SLOW, view="whatif", x1="0.5")
    assert "Would have taken 14 m 10 s instead of 18 m 20 s: 4 m 10 s sooner" in text_of(
        html_of(app))
    app.slider(key="x1").set_value(1.0).run()
    app.toggle(key="no_retry").set_value(True).run()
    assert "40 s sooner" in text_of(html_of(app))
    app.number_input(key="slots1").set_value(9).run()
    assert "1 m 40 s sooner" in text_of(html_of(app))


def test_the_gantt_of_a_thousand_shows_eighty_and_all(open_page: Open) -> None:
    rows = full_run()
    one = rows["fct_task_instances"][0]
    rows["fct_task_instances"] = [one | {"map_index": n} for n in range(1000)]
    words = text_of(html_of(open_page(rows, **SLOW, view="gantt")))
    assert "80 of 1,000 task instances" in words
    assert "Show all" in words
    assert "1,000 of 1,000" in text_of(html_of(
        open_page(None, **SLOW, view="gantt", shown="all")))


def test_hostile_names_are_text(open_page: Open) -> None:
    rows: dict[str, Any] | None = hostile_run()
    for name in hostile_names():
        named = {"cluster": name, "dag_id": name, "run_id": name}
        for view in ("path", "tasks", "gantt", "chain", "whatif", "compare"):
            app = open_page(rows, now=FRESH_NOW, **named, view=view, task_id=name)
            page = html_of(app)
            for tag in ("<img", "<script", "<b>bold", "<a href"):
                assert tag not in page
            assert "Took" in page
            for kind in ("markdown", "caption", "subheader"):
                assert not any("127.0.0.1:9" in one.value for one in app.get(kind))
            rows = None         # published already
