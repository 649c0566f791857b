"""The Limits page on full, empty, stale and hostile warehouses."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.conftest import Open, html_of
from tests.views.list_rows import full_lists, hostile_lists, limit
from tests.views.snapshots import STALE_NOW, cluster, hostile_names

PAGE = "views/limits.py"
ETL = {"cluster": "prod-eu", "limit_kind": "pool", "limit_name": "etl"}


def text_of(app: AppTest) -> str:
    """What the page says, without its tags."""
    return re.sub("<[^>]*>", " ", html_of(app)).replace("  ", " ")


def limits(app: AppTest) -> list[str]:
    """The limits of the list, in its order."""
    return re.findall(r'title="Who waited for whom">([^<]*)</a>', html_of(app))


def test_the_answer_names_the_limit_what_it_cost_and_whom(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE)
    page = re.sub("<[^>]*>", "", html_of(app))
    assert ("Pool etl on prod-eu cost 1 h 00 m of waiting on critical paths since Sun 25 Feb, 83 % "
            "of it orders; 1 other limit cost 1 m 00 s more.") in page
    assert limits(app) == ["etl", "orders"]
    assert "2 of 4 limits" in page


def test_the_list_has_size_cost_and_time_full(open_page: Open) -> None:
    text = text_of(open_page(full_lists(), PAGE, list="all"))
    assert "there is no such pool" in text
    assert "16 a run" in text
    assert "in 1 run" in text
    assert re.search(r"4 h 00 m +2 %", text)         # two nights of two hours; need 2 not counted


@pytest.mark.parametrize(("query", "words"), [
    ({"window": "24 h"}, "cost 1 h 00 m"), ({"window": "30 d"}, "cost 1 h 30 m"),
    ({"window": "9 y"}, "cost 1 h 00 m"), ({"cluster": "staging"}, "No limit held work up"),
    ({"cluster": "nowhere"}, "cost 1 h 00 m")])
def test_the_url_is_the_state(open_page: Open, query: dict[str, str], words: str) -> None:
    assert words in text_of(open_page(full_lists(), PAGE, **query))


def test_a_limit_shows_who_waited_for_whom(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE, **ETL)
    page, text = html_of(app), text_of(app)
    assert 'class="ws-chosen"' in page
    assert "by day (UTC)" in text
    assert "while it was full it was 2 then 4" in text
    assert ("run?cluster=prod-eu&amp;dag_id=orders&amp;run_id=manual__1&amp;task_id=load") in page
    assert "2 waits on critical paths" in text      # the one on both paths counts once
    assert "during the 2 longest waits; 2 holders" in text
    assert re.search(r"spark_join.*50 m 00 s *83 %", text)   # 2 slots for 25 minutes
    assert re.search(r"copy.*10 m 00 s *17 %", text)


def test_a_day_is_shown_by_the_hour(open_page: Open) -> None:
    assert "by hour" in text_of(open_page(full_lists(), PAGE, **ETL, window="24 h"))


def test_another_limit_can_be_chosen(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE, **(ETL | {"limit_name": "idle"}))
    assert limits(app) == ["etl", "orders", "idle"]
    assert "No critical path waited for it." in html_of(app)


def test_a_link_to_a_limit_that_did_nothing_says_so(open_page: Open) -> None:
    page = html_of(open_page(full_lists(), PAGE, **(ETL | {"limit_name": "<img src=x>"})))
    assert "held nothing up" in page
    assert "<img" not in page


def test_nothing_held_up_is_good_news(open_page: Open) -> None:
    page = html_of(open_page({"dim_clusters": [cluster()], "dim_limits": [limit()]}, PAGE))
    assert '<b class="ws-good">No limit held work up</b>' in page
    assert "0 of 1 limit" in page


def test_no_limit_yet(open_page: Open) -> None:
    assert "No limit is known here" in html_of(open_page({"dim_clusters": [cluster()]}, PAGE))


def test_no_cluster_yet(open_page: Open) -> None:
    assert "No cluster has landed yet" in html_of(open_page({}, PAGE))


def test_stale_data_says_so_and_files_that_do_not_load(open_page: Open) -> None:
    page = html_of(open_page(full_lists(), PAGE, now=STALE_NOW))
    assert "<b>Stale:</b>" in page
    assert "<b>2 DAG files</b> do not load on 2 clusters." in page


def test_hostile_names_are_text(open_page: Open) -> None:
    for number, name in enumerate(hostile_names()):
        rows = None if number else hostile_lists()
        app = open_page(rows, PAGE, cluster=name, limit_kind="pool", limit_name=name, list="all")
        page = html_of(app)
        for tag in ("<img", "<script", "<b>bold", "<a href"):
            assert tag not in page
        assert "\u202e" not in page
