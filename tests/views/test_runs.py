"""The Runs page on full, empty, stale and hostile warehouses."""

import re
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.conftest import Open, html_of
from tests.views.snapshots import (
    AS_OF,
    STALE_NOW,
    cluster,
    full,
    hostile,
    hostile_names,
    publish,
    run,
)


@pytest.fixture
def open_page(open_page: Open) -> Open:
    """The Runs page; the app begins with another one."""
    return partial(open_page, page="views/runs.py")


def dags(app: AppTest) -> list[str]:
    """The DAG of each row of the table."""
    return re.findall(r'<th scope="row" class=""><a [^>]*>([^<]*)</a>', html_of(app))


def test_the_answer_is_a_sentence_with_its_numbers(open_page: Open) -> None:
    page = html_of(open_page(full()))
    assert ("<b>5 runs</b> of 3 DAGs on 2 clusters in the last 24 h: "
            '<b class="ws-bad">1 failed</b>, 1 running, 1 queued, 2 succeeded.') in page
    assert "data as of" in page
    assert "times in UTC" in page
    assert "Stale" not in page


def test_the_table_has_the_newest_first_and_what_is_gone_from_airflow(open_page: Open) -> None:
    app = open_page(full())
    assert dags(app) == ["orders", "orders", "ads_daily", "ads_daily", "stage_dag"]
    assert "<td class=\"\">deleted</td>" in html_of(app)


def test_a_row_leads_to_its_run(open_page: Open) -> None:
    page = html_of(open_page(full()))
    assert ('href="run?cluster=prod-eu&amp;dag_id=ads_daily&amp;run_id=scheduled__1"') in page
    assert '<span title="600.000 s">10 m 00 s so far</span>' in page
    assert "not started" in page


def test_the_footer_names_the_marts(open_page: Open) -> None:
    page = html_of(open_page(full()))
    assert "reads dim_clusters, fct_dag_runs, fct_failed_loads" in page
    assert "built" in page
    assert "generation 1" in page


@pytest.mark.parametrize(("query", "expected"), [
    ({"search": "DS_DA"}, ["ads_daily", "ads_daily"]),
    ({"search": "manual__2"}, ["orders"]),
    ({"cluster": "staging"}, ["stage_dag"]),
    ({"state": "failed"}, ["ads_daily"]),
    ({"kind": "manual"}, ["orders", "orders"]),
    ({"window": "1 h"}, ["orders", "orders", "ads_daily", "ads_daily"]),
    ({"window": "all", "search": "long"}, ["long_ago"]),
    ({"sort": "longest", "kind": "backfill"}, ["stage_dag"]),
])
def test_the_url_is_the_state(
        open_page: Open, query: dict[str, str], expected: list[str]) -> None:
    assert dags(open_page(full(), **query)) == expected


def test_typing_filters(open_page: Open) -> None:
    app = open_page(full())
    app.text_input(key="search").set_value("orders").run()
    assert set(dags(app)) == {"orders"}


def test_wildcards_are_letters(open_page: Open) -> None:
    assert "No run matches" in html_of(open_page(full(), search="%"))


@pytest.mark.parametrize("query", [
    {"state": "<b>"}, {"cluster": "nowhere"}, {"window": "9y"}, {"sort": "x"}, {"kind": "\u202e"}])
def test_a_url_with_nonsense_shows_the_default(open_page: Open, query: dict[str, str]) -> None:
    assert "<b>5 runs</b>" in html_of(open_page(full(), **query))


def test_one_cluster_has_a_band_that_says_when_it_is_not_production(open_page: Open) -> None:
    app = open_page(full(), cluster="staging")
    assert "staging cluster, not production" in html_of(app)
    app.selectbox(key="cluster").select("prod-eu").run()
    assert "ws-band" in html_of(app)
    assert "not production" not in html_of(app)


def test_no_runs_yet_and_no_clusters_yet(open_page: Open) -> None:
    app = open_page({"dim_clusters": [cluster()]})
    assert "No runs have landed yet" in html_of(app)
    assert not dags(app)


def test_an_empty_window_names_the_newest_run(open_page: Open) -> None:
    page = html_of(open_page({"dim_clusters": [cluster()],
                              "fct_dag_runs": [run(minutes_ago=60 * 24 * 3)]}))
    assert "No run matches" in page
    assert "Thu 1 Mar 12:00" in page


def test_stale_data_says_how_old_and_what_failed(open_page: Open) -> None:
    page = html_of(open_page(full(), now=STALE_NOW))
    assert "<b>Stale:</b>" in page
    assert "(5 h 00 m ago)" in page
    assert "it should be at most 10 m old" in page
    assert "Sun 4 Mar 10:00" in page        # the failed landing


def test_one_cluster_behind_is_named_while_the_others_show(open_page: Open) -> None:
    rows = full()
    rows["dim_clusters"][1]["newest_row_at"] = AS_OF - timedelta(hours=1)
    page = html_of(open_page(rows))
    assert "<b>Partly stale:</b>" in page
    assert "staging" in page
    assert "the other 1 is current" in page


def test_nothing_published_then_published_then_newer(open_page: Open, tmp_path: Path) -> None:
    app = open_page(None)
    assert "Nothing is published yet" in html_of(app)
    publish(tmp_path, full())
    assert "<b>5 runs</b>" in html_of(app.run())
    publish(tmp_path, full() | {"fct_dag_runs": [run()]}, generation=2)
    page = html_of(app.run())
    assert "<b>1 run</b>" in page
    assert "generation 2" in page


def test_a_pointer_to_nothing_is_a_failed_screen_with_a_code(
        open_page: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "current").write_text("snapshots/warehouse-00000009.duckdb\n")
    page = html_of(open_page(None))
    assert "This page cannot be shown" in page
    assert str(tmp_path) not in page
    [code] = {word for record in caplog.records for word in record.getMessage().split()
              if word.startswith("code=")}
    assert code.removeprefix("code=") in page


def test_a_damaged_snapshot_is_a_failed_screen(open_page: Open, tmp_path: Path) -> None:
    publish(tmp_path, full())
    (tmp_path / "snapshots" / "warehouse-00000001.duckdb").write_bytes(b"not a database" * 1000)
    assert "This page cannot be shown" in html_of(open_page(None))


def test_hostile_names_are_text(open_page: Open) -> None:
    for number, name in enumerate(hostile_names()):
        app = open_page(None if number else hostile(), search=name.splitlines()[0][:20],
                        window="all")
        page = html_of(app)
        for tag in ("<img", "<script", "<b>bold", "<a href"):
            assert tag not in page
        assert set(re.findall(r'<a class="([^"]*)"', page)) <= {"ws-link", "ws-link ws-id"}
        for kind in ("markdown", "caption", "subheader"):
            assert not any("127.0.0.1:9" in one.value for one in app.get(kind))
