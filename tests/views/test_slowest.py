"""The Slowest page on full, empty, stale and hostile warehouses."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.conftest import Open, html_of
from tests.views.list_rows import full_lists, hostile_lists, slowdown
from tests.views.snapshots import STALE_NOW, cluster, full, hostile_names

PAGE = "views/slowest.py"


def text_of(app: AppTest) -> str:
    """What the page says, without its tags."""
    return re.sub("<[^>]*>", "", html_of(app))


def dags(app: AppTest) -> list[str]:
    """The DAGs of the table, in its order."""
    return re.findall(r'<th scope="row" class=""><a [^>]*>([^<]*)</a>', html_of(app))


def test_the_answer_names_the_slowest_and_why(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE)
    assert ("3 DAGs got slower in the last 7 d, of 5 DAGs that ran before too; 1 more ended later, "
            "having started later. Most: ads_daily, 1 h 15 m → 2 h 15 m, mostly by its own work: "
            "spark_join runs longer (+55 m 00 s a run).") in text_of(app)
    assert dags(app) == ["ads_daily", "orders", "stage_dag", "late"]


def test_a_row_says_by_how_much_and_by_which_part(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE)
    page, text = html_of(app), text_of(app)
    assert "+30 m 00 s+150 %" in text
    assert "of 28 runs" in text
    assert "waiting between tasks +30 m 00 s" in page
    assert ("limits?cluster=prod-eu&amp;limit_kind=pool&amp;limit_name=etl") in page
    assert "mostly by a later start (created or queued +30 m 00 s later)" in text
    assert "task?cluster=prod-eu&amp;dag_id=ads_daily&amp;task_id=spark_join" in page


@pytest.mark.parametrize(("query", "shown"), [
    ({"cluster": "staging"}, ["stage_dag"]), ({"kind": "waiting"}, ["orders"]),
    ({"owner": "bob"}, ["ads_daily"]), ({"team": "ads"}, ["ads_daily"]),
    ({"tier": "1"}, ["ads_daily"]), ({"tier": "9"}, ["ads_daily", "orders", "stage_dag", "late"]),
    ({"others": "true"}, ["ads_daily", "orders", "stage_dag", "late", "same"]),
    ({"sort": "dag_id"}, ["ads_daily", "late", "orders", "stage_dag"]),
    ({"kind": "\u202e", "sort": "x"}, ["ads_daily", "orders", "stage_dag", "late"]),
])
def test_the_url_is_the_state(open_page: Open, query: dict[str, str], shown: list[str]) -> None:
    rows = full_lists()
    rows["dim_dags"] = [one | {"owner": "bob", "team": "ads", "tier": "1"}
                        if one["dag_id"] == "ads_daily" else one for one in rows["dim_dags"]]
    assert dags(open_page(rows, PAGE, **query)) == shown


def test_too_little_history_says_what_is_needed(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE))
    assert "Too little history to compare" in page
    assert "the oldest of the 3 successful runs here is of <time" in page


def test_nothing_ran_yet(open_page: Open) -> None:
    assert "none has succeeded here yet" in html_of(open_page({"dim_clusters": [cluster()]}, PAGE))


def test_nothing_slower_is_good_news(open_page: Open) -> None:
    page = html_of(open_page({"dim_clusters": [cluster()], "agg_dag_slowdowns": [
        slowdown("same", "not_slower", 600, 590)]}, PAGE))
    assert '<b class="ws-good">No DAG got slower</b> in the last 7 d, of 1 DAG' in page
    assert "Nothing got slower" in page
    assert "others=true" in page


def test_nothing_that_fits_is_slower(open_page: Open) -> None:
    page = html_of(open_page(full_lists(), PAGE, cluster="staging", kind="waiting"))
    assert "No DAG matches" in page
    assert "Clear filters" in page


def test_no_cluster_yet(open_page: Open) -> None:
    assert "No cluster has landed yet" in html_of(open_page({}, PAGE))


def test_stale_data_says_so(open_page: Open) -> None:
    assert "<b>Stale:</b>" in html_of(open_page(full_lists(), PAGE, now=STALE_NOW))


def test_hostile_names_are_text(open_page: Open) -> None:
    for number, name in enumerate(hostile_names()):
        rows = None if number else hostile_lists()
        page = html_of(open_page(rows, PAGE, cluster=name, others="true"))
        for tag in ("<img", "<script", "<b>bold", "<a href"):
            assert tag not in page
        assert "\u202e" not in page
