"""The graphs of the DAG and the Run page: what the component is given, and the same as a table."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.conftest import Open, html_of
from tests.views.graphs import graph_rows, large
from tests.views.snapshots import Rows, hostile_names, instance

DIAMOND = [("extract", "clean"), ("extract", "score"), ("clean", "load"), ("score", "load")]
TASKS = dict.fromkeys(("extract", "clean", "score", "load"))


def graph_of(app: AppTest) -> dict[str, Any]:
    """What the page gave to the component."""
    protos = [one.proto for one in app.get("bidi_component")
              if "graph" in one.proto.component_name]
    [proto] = protos
    return dict(json.loads(proto.json))


def open_graph(open_page: Open, rows: Rows, page: str = "dag", *, again: bool = False,
               **query: str) -> AppTest:
    """The graph of the only DAG, or of its only run; `again` when the rows are published."""
    [dag] = rows["dim_dags"]
    named = {"cluster": dag["cluster"], "dag_id": dag["dag_id"], "view": "graph"}
    if page == "run":
        named["run_id"] = rows["fct_dag_runs"][0]["run_id"]
    return open_page(None if again else rows, f"views/{page}.py", **named, **query)


def titles(graph: dict[str, Any], kind: str = "") -> list[str]:
    return [n["title"] for n in graph["nodes"] if kind in ("", n["kind"])]


def test_the_dag_shows_its_model_path_and_the_latest_run(open_page: Open) -> None:
    app = open_graph(open_page, graph_rows("sales", TASKS, DIAMOND, ["extract", "clean", "load"]))
    graph = graph_of(app)
    assert sorted(titles(graph)) == [
        "clean", "extract", "latest run: success", "load", "score"]
    blue = [n["title"] for n in graph["nodes"] if n["path"]]
    assert "score" not in blue
    assert len(blue) == 4
    one = next(n for n in graph["nodes"] if n["title"] == "extract")
    assert one["href"] == "task?cluster=prod-eu&dag_id=sales&task_id=extract"
    assert one["under"] == "BashOperator · 1 m 00 s"
    assert one["note"] == "100 %"
    assert "drag 1 m 00 s" in one["hint"]
    page = html_of(app)
    assert "4 tasks, 4 edges" in page
    assert "model path, 3 m 00 s by the medians" in page
    assert "The same as a table: tasks of this DAG, 4" in page


def test_the_run_shows_states_and_its_path(open_page: Open) -> None:
    rows = graph_rows("sales", TASKS, DIAMOND, ["extract", "clean", "load"],
                      run_path=["extract", "score", "load"], state="failed")
    rows["fct_task_instances"] = [
        *(r for r in rows["fct_task_instances"] if r["task_id"] not in ("load", "score")),
        instance("load", state="failed", dag_id="sales", try_count=3),
        *(instance("score", state=s, dag_id="sales", map_index=n, seconds=60 * n)
          for n, s in enumerate(("success", "success", "failed")))]
    graph = graph_of(open_graph(open_page, rows, "run", task_id="clean"))
    nodes = {n["title"]: n for n in graph["nodes"]}
    assert nodes["run: failed"]["state"] == "failed"
    assert nodes["score"]["bar"] == [["failed", 1], ["success", 2]]
    assert nodes["score"]["under"] == "3 mapped · longest 2 m 00 s"
    assert nodes["load"]["note"] == "try 3"
    assert nodes["clean"]["chosen"]
    assert {t for t, n in nodes.items() if n["path"]} == {
        "extract", "score", "load", "run: failed"}
    assert "task_id=load" in nodes["load"]["href"]
    assert nodes["load"]["href"].startswith("run?")


def test_much_starts_folded_and_the_address_opens_a_group(open_page: Open) -> None:
    groups, edges, path = large()
    rows = graph_rows("large", groups, edges, path)
    folded = open_graph(open_page, rows)
    graph = graph_of(folded)
    assert len(path) < len(graph["nodes"]) < 250
    assert set(path) <= set(titles(graph, "task"))
    assert "off the path" in "".join(titles(graph, "rest"))
    assert "tasks folded" in html_of(folded)
    everything = graph_of(open_graph(open_page, rows, again=True, open="*"))
    assert len(everything["nodes"]) == 1001
    chosen = next(n for n in graph["nodes"] if n["kind"] == "group")
    assert "open=group_" in chosen["href"]


@pytest.mark.parametrize("page", ["dag", "run"])
def test_hostile_names_are_text_in_the_data_and_in_the_table(open_page: Open, page: str) -> None:
    names = hostile_names()
    rows = graph_rows(names[0], dict.fromkeys(names, names[1]), [(names[0], names[2])], names[:2],
                      home=names[1], run_id=names[2], state=names[3])
    app = open_graph(open_page, rows, page)
    graph = graph_of(app)
    assert len(graph["nodes"]) == len(names) + 1
    assert all(n["href"].split("?")[0] in ("", "task", "run") for n in graph["nodes"])
    assert "<script src=" not in html_of(app)
    assert "<img src=" not in html_of(app)


@pytest.mark.parametrize("page", ["dag", "run"])
def test_damaged_rows_with_a_cycle_are_drawn_and_told(open_page: Open, page: str) -> None:
    rows = graph_rows("ring", dict.fromkeys("abc"), [("a", "b"), ("b", "c"), ("c", "a")], ["a"])
    app = open_graph(open_page, rows, page)
    assert len(graph_of(app)["nodes"]) == 4
    assert "left out, as they close a cycle" in html_of(app)


def test_a_run_without_a_structure_shows_its_path_in_time_order(open_page: Open) -> None:
    rows = graph_rows("sales", TASKS, [], ["extract", "load"]) | {"dim_dag_versions": []}
    app = open_graph(open_page, rows, "run")
    assert "structure not recorded: inferred from time order" in html_of(app)
    assert [e["inferred"] for e in graph_of(app)["edges"] if e["path"]] == [True, False]


def test_a_dag_without_a_structure(open_page: Open) -> None:
    rows = graph_rows("sales", TASKS, []) | {"dim_dag_versions": [], "dim_tasks": []}
    assert "there is nothing to draw" in html_of(open_graph(open_page, rows))


def test_a_version_that_nobody_recorded(open_page: Open) -> None:
    rows = graph_rows("sales", TASKS, DIAMOND)
    page = html_of(open_graph(open_page, rows, version_key="<b>gone</b>"))
    assert "No structure of this version was recorded" in page
    assert "<b>gone</b>" not in page


def test_a_single_task(open_page: Open) -> None:
    graph = graph_of(open_graph(open_page, graph_rows("one", {"only": None}, [], ["only"])))
    assert titles(graph) == ["only", "latest run: success"]
    assert [e["path"] for e in graph["edges"]] == [True]
