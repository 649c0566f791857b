"""The Platform page on full, empty, stale and hostile warehouses."""

import json
from datetime import timedelta

from tests.views.conftest import Open, html_of
from tests.views.snapshots import AS_OF, STALE_NOW, cluster, full, hostile

PAGE = "views/platform.py"


def test_the_answer_counts_what_is_not_whole(open_page: Open) -> None:
    page = html_of(open_page(full(), PAGE))
    assert '<b class="ws-good">2 of 2 clusters fresh</b>, 0 stale, 0 failing.' in page
    assert "1 batch in quarantine, 7 flags on rows, 1 schema warning." in page
    assert "1 load with 4,321 rows in the 24 h" in page


def test_the_tables_say_what_and_why(open_page: Open) -> None:
    clusters, failed, warnings, quarantined, flags = (
        d.value for d in open_page(full(), PAGE).dataframe)
    assert clusters["Airflow"].tolist() == ["3.1.8", "2.10.5"]
    assert clusters["Replication lag"].tolist() == ["no replica", "2 s"]
    assert failed["Message"].tolist() == ["no route to host"]
    assert warnings["Warning"].tolist() == ["Not found, so not landed: trigger."]
    assert quarantined["Reason"].tolist() == ["dag_id is null in 3 rows"]
    assert flags["Rows"].tolist() == [7]


def test_all_well_says_so(open_page: Open) -> None:
    page = html_of(open_page({"dim_clusters": [cluster()]}, PAGE))
    assert "No landing has failed." in page
    assert "No batch was set aside." in page
    assert "No arriving row had a fault." in page
    assert "Every schema is one that Windsock knows." in page


def test_stale_and_failing_clusters_are_told_apart(open_page: Open) -> None:
    rows = full()
    rows["fct_failed_loads"][0]["failed_at"] = AS_OF + timedelta(minutes=1)
    app = open_page(rows, PAGE, now=STALE_NOW)
    assert "<b class=\"ws-caution\">0 of 2 clusters fresh</b>, 1 stale, 1 failing." in html_of(app)
    assert app.dataframe[0].value["Data"].tolist() == ["◔ stale", "✕ failing"]


def test_frozen_copies_are_not_stale(open_page: Open) -> None:
    page = html_of(open_page({"dim_clusters": [cluster(is_frozen=True)]}, PAGE, now=STALE_NOW))
    assert "1 frozen copy</b>, 0 stale, 0 failing." in page
    assert "Frozen copies:" in page
    assert "Stale" not in page


def test_a_cluster_that_never_had_a_scheduler_says_so(open_page: Open) -> None:
    app = open_page({"dim_clusters": [cluster(scheduler_heartbeat_at=None)]}, PAGE)
    assert app.dataframe[0].value["Scheduler heartbeat"].tolist() == ["no scheduler ever ran"]


def test_no_cluster_yet(open_page: Open) -> None:
    assert "No cluster has landed yet" in html_of(open_page({}, PAGE))


def test_nothing_published(open_page: Open) -> None:
    assert "Nothing is published yet" in html_of(open_page(None, PAGE))


def test_hostile_text_stays_text(open_page: Open) -> None:
    app = open_page(hostile(), PAGE)
    page = html_of(app)
    assert "<img" not in page
    assert "<script" not in page
    for table in app.dataframe:
        configured = json.loads(table.proto.columns or "{}")
        assert not [c for c in configured.values()
                    if c.get("type_config", {}).get("type") in ("link", "image")]
