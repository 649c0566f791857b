"""Links between pages, and into Airflow."""

import re
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import airflow_links, links
from tests.views.snapshots import hostile_names

BASE = "https://airflow.example.com/prod/"
AT = datetime.fromisoformat("2026-11-21T03:00")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT)
def test_an_address_gives_back_what_went_in(dag_id: str, run_id: str) -> None:
    parts = urlsplit(links.to("run", cluster="prod", dag_id=dag_id, run_id=run_id, task_id=None))
    assert parts.path == "run"
    assert parse_qs(parts.query) == {"cluster": ["prod"], "dag_id": [dag_id], "run_id": [run_id]}


@given(TEXT)
def test_a_link_is_one_element_whatever_it_says(text: str) -> None:
    found = links.link("dag", text, hint=text, cluster=text, dag_id=text)
    assert found.count("<") == 2
    assert re.fullmatch(r'<a class="ws-link" href="dag\?[^"<>]*" title="[^"]*">[^<>]*</a>', found)


def test_there_is_no_link_to_a_page_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        links.to("nowhere")


def test_every_place_has_its_view() -> None:
    views = Path(links.__file__).with_name("views")
    assert set(links.PLACES) == {path.stem for path in views.glob("*.py")}


def test_crumbs_link_every_part_but_the_task() -> None:
    text = links.crumbs("prod", "ads", "r1", "split", 3)
    assert re.findall(r'href="([^"]*)"', text) == [
        "./?cluster=prod", "dag?cluster=prod&amp;dag_id=ads",
        "run?cluster=prod&amp;dag_id=ads&amp;run_id=r1"]
    assert "split [3]</span>" in text


@pytest.mark.parametrize(("version", "dag", "trigger", "run", "task"), [
    ("1.10.15", "admin/airflow/tree?dag_id=a%2Fb", "admin/airflow/trigger?dag_id=a%2Fb",
     "admin/airflow/graph?dag_id=a%2Fb&execution_date=2026-11-21T03%3A00%3A00%2B00%3A00",
     "admin/airflow/log?dag_id=a%2Fb&task_id=t&execution_date=2026-11-21T03%3A00%3A00%2B00%3A00"),
    ("2.2.5", "tree?dag_id=a%2Fb", "trigger?dag_id=a%2Fb",
     "graph?dag_id=a%2Fb&execution_date=2026-11-21T03%3A00%3A00%2B00%3A00",
     "log?dag_id=a%2Fb&task_id=t&execution_date=2026-11-21T03%3A00%3A00%2B00%3A00"),
    ("2.3 to 2.5", "dags/a%2Fb/grid", "trigger?dag_id=a%2Fb",
     "dags/a%2Fb/grid?dag_run_id=r+1", "dags/a%2Fb/grid?dag_run_id=r+1&task_id=t&map_index=2"),
    ("2.10.5", "dags/a%2Fb/grid", "dags/a%2Fb/trigger",
     "dags/a%2Fb/grid?dag_run_id=r+1", "dags/a%2Fb/grid?dag_run_id=r+1&task_id=t&map_index=2"),
    ("3.1.8", "dags/a%2Fb", "dags/a%2Fb",
     "dags/a%2Fb/runs/r%201", "dags/a%2Fb/runs/r%201/tasks/t/mapped/2"),
])
def test_each_release_has_its_own_addresses(version: str, dag: str, trigger: str, run: str,
                                            task: str) -> None:
    assert airflow_links.dag(BASE, version, "a/b") == BASE + dag
    assert airflow_links.trigger(BASE, version, "a/b") == BASE + trigger
    assert airflow_links.run(BASE, version, "a/b", "r 1", AT) == BASE + run
    assert airflow_links.task(BASE, version, ("a/b", "r 1", "t", 2), AT) == BASE + task


@pytest.mark.parametrize("base", [
    None, "", "javascript:alert(1)", "https://", "ftp://airflow", "https://me:pw@airflow",
    "https://airflow?x=1", "//airflow"])
def test_a_base_that_is_no_web_address_gives_no_link(base: str | None) -> None:
    assert airflow_links.dag(base, "3.1.8", "a") is None
    assert airflow_links.trigger(base, "3.1.8", "a") is None
    assert airflow_links.run(base, "3.1.8", "a", "r") is None
    assert airflow_links.task(base, "3.1.8", ("a", "r", "t", -1)) is None


@pytest.mark.parametrize("name", hostile_names())
def test_a_hostile_name_stays_inside_the_cluster_s_own_address(name: str) -> None:
    for version in ("1.10.15", "2.2.5", "2.10.5", "3.1.8"):
        found = airflow_links.task(BASE, version, (name, name, name, 0), AT)
        assert found is not None
        assert found.startswith(BASE)
        assert "<" not in found
        assert '"' not in found
