"""The Import errors page on full, empty, stale and hostile warehouses."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.conftest import Open, html_of
from tests.views.list_rows import TRACE, full_lists, hostile_lists, import_error
from tests.views.snapshots import AS_OF, STALE_NOW, cluster, hostile_names, publish

PAGE = "views/import_errors.py"


def text_of(app: AppTest) -> str:
    """What the page says, without its tags."""
    return re.sub("<[^>]*>", "", html_of(app))


def files(app: AppTest) -> list[str]:
    """The files of the table, in its order."""
    return re.findall(r'<th scope="row" class=""><span class="ws-id" title="[^"]*">([^<]*)</span>',
                      html_of(app))


def test_the_answer_counts_files_clusters_and_what_was_fixed(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE)
    assert ("2 DAG files do not load on 2 clusters, the first since Fri 2 Mar 12:00 (2 d 0 h ago); "
            "1 error was fixed in the last 7 d.") in text_of(app)
    assert files(app) == ["orders.py", "stage.py"]
    assert "Stale" not in html_of(app)


def test_a_row_leads_to_the_dag_and_to_the_whole_trace(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE)
    page = html_of(app)
    assert 'href="dag?cluster=prod-eu&amp;dag_id=orders"' in page
    assert ("file=%2Fopt%2Fairflow%2Fdags%2Fteam_a%2Forders.py&amp;"
            "error=key+of+team_a%2Forders.py") in page
    assert "ModuleNotFoundError: No module named &#x27;snowflake&#x27;" in page
    assert "it never loaded" in page
    assert not app.code


@pytest.mark.parametrize(("query", "shown"), [
    ({"search": "ORDERS"}, ["orders.py"]), ({"search": "team_a/"}, ["orders.py"]),
    ({"search": "ads_daily", "state": "all"}, ["old.py"]), ({"search": "%"}, []),
    ({"cluster": "staging"}, ["stage.py"]), ({"class": "SyntaxError"}, ["stage.py"]),
    ({"owner": "ann"}, ["orders.py"]), ({"team": "sales", "state": "fixed"}, ["old.py"]),
    ({"state": "all"}, ["orders.py", "stage.py", "old.py"]), ({"state": "x"}, ["orders.py",
                                                                             "stage.py"]),
    ({"sort": "file_path"}, ["stage.py", "orders.py"]),
    ({"sort": "first_seen_at"}, ["stage.py", "orders.py"]),
    ({"cluster": "nowhere", "owner": "\u202e"}, ["orders.py", "stage.py"]),
])
def test_the_url_is_the_state(open_page: Open, query: dict[str, str], shown: list[str]) -> None:
    assert files(open_page(full_lists(), PAGE, **query)) == shown


def test_a_chosen_error_is_shown_in_full(open_page: Open) -> None:
    rows = full_lists()
    rows["dim_clusters"][0]["base_url"] = "https://airflow.example"
    app = open_page(rows, PAGE, cluster="prod-eu", error="key of team_a/orders.py",
                    file="/opt/airflow/dags/team_a/orders.py")
    assert [one.value for one in app.code] == [TRACE]
    assert "Does not load:" in html_of(app)
    assert "https://airflow.example/dags/orders" in html_of(app)
    assert 'class="ws-chosen"' in html_of(app)


def test_a_link_to_an_error_that_is_not_there_says_so(open_page: Open) -> None:
    app = open_page(full_lists(), PAGE, file="<img src=x>")
    assert "No such error of &lt;img" in html_of(app)
    assert "<img" not in html_of(app)


def test_from_broken_to_fixed(open_page: Open, tmp_path: Path) -> None:
    one = {"dim_clusters": [cluster()], "fct_import_errors": [import_error()]}
    app = open_page(one, PAGE)
    assert "1 DAG file does not load on 1 cluster, since" in text_of(app)
    assert "✕ broken" in html_of(app)
    fixed = import_error(fixed_at=AS_OF, last_seen_at=AS_OF - timedelta(minutes=1))
    publish(tmp_path, one | {"fct_import_errors": [fixed]}, generation=2)
    page = html_of(app.run())
    assert '<b class="ws-good">Every DAG file loads</b>; 1 error was fixed in the last 7 d.' in page
    assert "Show fixed ones too" in page
    app.selectbox(key="state").select("fixed").run()
    assert files(app) == ["orders.py"]
    assert '<span class="ws-good">✓</span> <time' in html_of(app)


def test_all_well_says_so(open_page: Open) -> None:
    page = html_of(open_page({"dim_clusters": [cluster()]}, PAGE))
    assert "none was fixed" in page
    assert "Airflow recorded no import error that still stands on 1 cluster." in page


def test_nothing_matches(open_page: Open) -> None:
    page = html_of(open_page(full_lists(), PAGE, search="nothing like it"))
    assert "No import error matches" in page
    assert "Clear filters" in page


def test_no_cluster_yet(open_page: Open) -> None:
    assert "No cluster has landed yet" in html_of(open_page({}, PAGE))


def test_stale_data_says_so(open_page: Open) -> None:
    assert "<b>Stale:</b>" in html_of(open_page(full_lists(), PAGE, now=STALE_NOW))


def test_hostile_names_are_text(open_page: Open) -> None:
    for number, name in enumerate(hostile_names()):
        rows = None if number else hostile_lists()
        page = html_of(open_page(rows, PAGE, file=name, error=name, state="all"))
        for tag in ("<img", "<script", "<b>bold", "<a href"):
            assert tag not in page
        assert "\u202e" not in page
