"""The Platform page on full, empty, stale and hostile warehouses."""

import json
import re
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.conftest import Open, html_of
from tests.views.list_rows import component, full_lists, hostile_lists
from tests.views.snapshots import AS_OF, STALE_NOW, cluster, full

PAGE = "views/platform.py"


def text_of(app: AppTest) -> str:
    """What the page says, without its tags."""
    return re.sub(" +", " ", re.sub("<[^>]*>", " ", html_of(app)))


def charts_of_use(app: AppTest) -> list[str]:
    """What the charts of use count."""
    specs = [json.loads(c.proto.spec) for c in app.get("vega_lite_chart")]
    return [s["encoding"]["y"]["title"] for s in specs
            if s.get("encoding", {}).get("x", {}).get("title") == "day (UTC)"]


def test_the_answer_counts_what_is_not_whole(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE))
    assert '<b class="ws-good">2 of 2 clusters fresh</b>, 0 stale, 0 failing.' in page
    assert "1 batch in quarantine, 7 flags on rows, 1 schema warning." in page
    assert "1 load with 4,321 rows in the 24 h" in page


def test_the_tables_say_what_and_why(open_page: Open) -> None:
    app = open_page(full(), PAGE)
    text = text_of(app)
    assert "Airflow 3.1.8 · postgresql" in text
    assert "Airflow 2.10.5 · postgresql" in text
    assert "no replica" in text
    assert re.search(r"</td><td class=\"ws-right\">2 s</td>", html_of(app))
    assert "no route to host" in text
    assert "Not found, so not landed: trigger." in text
    assert "dag_id is null in 3 rows" in text
    assert re.search(r"ended_before_started fct_dag_runs 7\b", text)
    assert 'href="./?cluster=prod-eu"' in html_of(app)


def test_all_well_says_so(open_page: Open) -> None:
    page = html_of(open_page({"dim_clusters": [cluster()]}, PAGE))
    assert "No landing has failed." in page
    assert "No batch was set aside." in page
    assert "No arriving row had a fault." in page
    assert "Every schema is one that Windsock knows." in page
    assert "Nothing ran and nobody worked in these days." in page


def test_stale_and_failing_clusters_are_told_apart(open_page: Open) -> None:
    rows = full()
    rows["fct_failed_loads"][0]["failed_at"] = AS_OF + timedelta(minutes=1)
    page = html_of(open_page(rows, PAGE, now=STALE_NOW))
    assert "<b class=\"ws-caution\">0 of 2 clusters fresh</b>, 1 stale, 1 failing." in page
    assert re.findall("◔ stale|✕ failing", page) == ["◔ stale", "✕ failing"]


def test_frozen_copies_are_not_stale(open_page: Open) -> None:
    page = html_of(open_page({"dim_clusters": [cluster(is_frozen=True)],
                              "dim_cluster_components": [component(state="silent")]}, PAGE,
                             now=STALE_NOW))
    assert "1 frozen copy</b>, 0 stale, 0 failing." in page
    assert "Frozen copies:" in page
    assert "Stale" not in page
    assert "silent" not in page             # of a copy that says nothing of today


def test_components_say_whether_they_are_alive(open_page: Open) -> None:
    text = text_of(open_page(full_lists(), PAGE))
    assert "✓ scheduler, 2 of them alive, last beat Sun 4 Mar 11:59" in text
    assert "✕ triggerer silent" in text
    assert "✓ DAG processor alive" in text
    assert "○ scheduler stopped" in text


@pytest.mark.parametrize(("version", "words"), [
    ("3.1.8", ["no scheduler ever ran", "no DAG processor ever ran", "no triggerer ever ran"]),
    ("2.10.3 to 2.11", ["DAG processor: part of the scheduler", "no triggerer ever ran"]),
    ("1.10.15", ["triggerer: not there before Airflow 2.2"]),
    (None, ["no DAG processor recorded", "no triggerer recorded"]),
])
def test_a_component_without_heartbeats_says_why(open_page: Open, version: str | None,
                                                 words: list[str]) -> None:
    text = text_of(open_page({"dim_clusters": [cluster(airflow_version=version)]}, PAGE))
    assert [one for one in words if one not in text] == []


def test_use_is_shown_by_day_for_all_clusters_or_one(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE)
    assert charts_of_use(app) == ["DAG runs (count)", "task instances (count)",
                                  "active users (count)", "audited requests (count)"]
    assert "Reads of the UI of 3.x and of the API are not in it." in text_of(app)
    app.selectbox(key="cluster").select("staging").run()
    assert app.query_params["cluster"] == "staging"
    assert len(charts_of_use(app)) == 4


def test_no_cluster_yet(open_page: Open) -> None:
    assert "No cluster has landed yet" in html_of(open_page({}, PAGE))


def test_nothing_published(open_page: Open) -> None:
    assert "Nothing is published yet" in html_of(open_page(None, PAGE))


def test_hostile_text_stays_text(open_page: Open) -> None:
    page = html_of(open_page(hostile_lists(), PAGE))
    for tag in ("<img", "<script", "<b>bold", "<a href"):
        assert tag not in page
    assert "\u202e" not in page
