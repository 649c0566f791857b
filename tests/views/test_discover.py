"""The Discover page on full, empty, stale and hostile warehouses."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.conftest import Open, html_of
from tests.views.snapshots import AS_OF, STALE_NOW, cluster, entry, full, hostile, hostile_names


def names(app: AppTest) -> list[str]:
    """The hits, in their order."""
    return re.findall(r'<a class="ws-link ws-id ws-hit"[^>]*>([^<]*)</a>', html_of(app))


def test_the_answer_is_a_sentence_and_what_ran_last_comes_first(open_page: Open) -> None:
    app = open_page(full())
    page = html_of(app)
    text = re.sub("<[^>]*>", "", page)
    assert "4 DAGs on 2 clusters: 1 failed their last run, 1 is paused." in text
    assert names(app) == ["ads_daily", "orders", "long_ago", "stage_dag"]
    assert "Data as of" in text
    assert "times in UTC" in text
    assert "reads dim_clusters, dim_search_entries, fct_failed_loads, fct_import_errors" in text


def test_a_row_says_how_it_runs_and_leads_on(open_page: Open) -> None:
    page = html_of(open_page(full(), q="ads"))
    assert 'href="dag?cluster=prod-eu&amp;dag_id=ads_daily"' in page
    assert 'href="run?cluster=prod-eu&amp;dag_id=ads_daily&amp;run_id=scheduled__0"' in page
    assert "var(--ws-state-failed)" in page
    assert "usually 12 m 00 s (n 30)" in page
    assert "Sun 4 Mar 13:00" in page                # the next run
    assert "<td class=\"ws-right\">1</td>" in page  # the tier


def test_a_task_leads_to_its_page_and_its_dag(open_page: Open) -> None:
    page = html_of(open_page(full(), q="extract"))
    assert 'href="task?cluster=prod-eu&amp;dag_id=ads_daily&amp;task_id=extract"' in page
    assert "task of" in page
    assert "usually 42 s (n 7)" in page


@pytest.mark.parametrize(("text", "expected"), [
    ("ads extr", ["extract"]), ("ads_daily.extract", ["extract"]), ("ADS daily", ["ads_daily"])])
def test_words_of_a_task_may_be_its_dags_but_not_all(
        open_page: Open, text: str, expected: list[str]) -> None:
    assert names(open_page(full(), q=text)) == expected


@pytest.mark.parametrize(("query", "expected"), [
    ({"cluster": "staging"}, ["stage_dag"]),
    ({"owner": "bob"}, ["orders"]),
    ({"team": "ads"}, ["ads_daily"]),
    ({"team": "ads", "kind": "tasks"}, ["extract"]),
    ({"tier": "1", "project": "reporting", "tag": "gold", "schedule": "cron"}, ["ads_daily"]),
    ({"last": "failed"}, ["orders"]),
    ({"status": "paused"}, ["long_ago"]),
    ({"status": "not paused", "last": "success"}, ["ads_daily"]),
    ({"status": "import errors"}, ["stage_dag"]),
    ({"status": "gone from Airflow"}, ["gone_dag"]),
    ({"sort": "last_run_started_at", "last": "success"}, ["long_ago", "ads_daily"]),
    ({"q": "a", "kind": "DAGs", "sort": "-next_run_at", "team": "ads"}, ["ads_daily"]),
    ({"team": "nobody", "sort": "x", "kind": "<b>"},
     ["ads_daily", "orders", "long_ago", "stage_dag"]),
])
def test_the_url_is_the_state(
        open_page: Open, query: dict[str, str], expected: list[str]) -> None:
    assert names(open_page(full(), **query)) == expected


def test_typing_and_choosing(open_page: Open) -> None:
    app = open_page(full())
    app.text_input(key="q").set_value("orders").run()
    assert names(app) == ["orders"]
    app.text_input(key="q").set_value("").run()
    app.selectbox(key="cluster").select("staging").run()
    assert names(app) == ["stage_dag"]
    assert app.query_params["cluster"] == "staging"
    assert "staging cluster, not production" in html_of(app)
    app.selectbox(key="cluster").select("").run()
    assert "cluster" not in app.query_params


def test_a_slip_finds_the_nearest_names(open_page: Open) -> None:
    app = open_page(full(), q="ordres")
    page = html_of(app)
    assert names(app) == ["orders"]
    assert "The nearest names are below." in page
    assert "Nothing</b> is called" in page


def test_nothing_found_offers_ways_on(open_page: Open) -> None:
    page = html_of(open_page(full(), q="zebra", cluster="staging"))
    assert "that fits the filters is called" in page
    assert 'href="./?q=zebra"' in page
    assert "Clear filters" in page
    assert "Show all DAGs" in page


def test_what_is_gone_is_offered_and_not_shown(open_page: Open) -> None:
    page = html_of(open_page(full(), q="gone_dag"))
    assert "Show 1 gone from Airflow" in page
    assert "status=gone+from+Airflow" in page


def test_many_hits_are_cut_and_counted(open_page: Open) -> None:
    rows = {"dim_clusters": [cluster()],
            "dim_search_entries": [entry(f"dag_{n:03}") for n in range(103)]}
    app = open_page(rows, q="dag")
    assert len(names(app)) == 100
    assert "100 of 103" in html_of(app)
    assert "narrow the search" in html_of(app)


def test_an_empty_warehouse_says_what_will_come(open_page: Open) -> None:
    app = open_page({"dim_clusters": [cluster()]})
    assert "No DAG has landed yet" in html_of(app)
    assert not app.text_input


def test_stale_data_says_so(open_page: Open) -> None:
    assert "<b>Stale:</b>" in html_of(open_page(full(), now=STALE_NOW))


def test_a_dag_that_runs_says_for_how_long(open_page: Open) -> None:
    rows = {"dim_clusters": [cluster()],
            "dim_search_entries": [entry(runs=["running"], last_run_seconds=None)]}
    assert "1 h 00 m so far" in html_of(open_page(rows))


def test_import_errors_are_counted_by_file(open_page: Open) -> None:
    rows = full() | {"fct_import_errors": [
        {"cluster": "prod-eu", "file_path": "/d/a.py", "error_key": key, "fixed_at": fixed}
        for key, fixed in (("1", None), ("2", None), ("3", AS_OF))]}
    page = html_of(open_page(rows))
    assert "<b>1 DAG file</b> does not load. <a" in page


def test_other_pages_have_a_search_on_top(open_page: Open) -> None:
    assert open_page(full()).text_input(key="q")
    [box] = [one for one in open_page(None, "views/runs.py").get("bidi_component")
             if "search" in one.proto.component_name]
    assert '"asked"' in box.proto.json


def test_hostile_names_are_text(open_page: Open) -> None:
    for number, name in enumerate(hostile_names()):
        app = open_page(None if number else hostile(), q=name)
        _is_text(app)
        app.text_input(key="q").set_value("").run()
        app.selectbox(key="cluster").select(name).run()
        _is_text(app)
        app.selectbox(key="owner").select(name).run()
        _is_text(app)


def _is_text(app: AppTest) -> None:
    page = html_of(app)
    assert not app.exception
    for tag in ("<img", "<script", "<b>bold", "<a href"):
        assert tag not in page
    assert set(re.findall(r'<a class="([^"]*)"', page)) <= {
        "ws-link", "ws-link ws-id", "ws-link ws-id ws-hit"}
    assert names(app)
    for kind in ("markdown", "caption", "subheader"):
        assert not any("127.0.0.1:9" in one.value for one in app.get(kind))
