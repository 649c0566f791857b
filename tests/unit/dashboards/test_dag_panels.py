"""Shaping of the DAG and Task pages: grid, retries, histories, waits."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from dashboards.panels import dag_grid, dag_history, dag_runs, dag_tasks, task_answer, task_history

AT = datetime.fromisoformat("2001-03-04T12:00")
MINUTE = timedelta(minutes=1)


def _cell(run_id: str, task_id: str, state: str | None, **changes: Any) -> dict[str, Any]:
    return {"run_id": run_id, "task_id": task_id, "state": state, "instance_count": 1,
            "started_at": AT, "ended_at": AT, "longest_seconds": 1.0, "try_count": 1,
            "highest_map_index": -1, "lowest_map_index": -1,
            "is_on_critical_path": False} | changes


def _tasks(*rows: tuple[str, str | None, int | None]) -> pl.DataFrame:
    return pl.DataFrame([{"task_id": t, "task_group_id": g, "depth_index": d,
                          "is_in_latest_structure": True} for t, g, d in rows],
                        schema={"task_id": pl.String, "task_group_id": pl.String,
                                "depth_index": pl.Int64, "is_in_latest_structure": pl.Boolean})


def test_a_mapped_task_has_the_state_that_needs_a_person_first() -> None:
    [row] = dag_grid.worst(pl.DataFrame([
        _cell("r", "t", "success", instance_count=3, highest_map_index=3, longest_seconds=9.0),
        _cell("r", "t", None, instance_count=2, started_at=None),
        _cell("r", "t", "failed", instance_count=1, is_on_critical_path=True),
    ])).iter_rows(named=True)
    assert (row["state"], row["worst_count"], row["instance_count"]) == ("failed", 1, 6)
    assert (row["longest_seconds"], row["is_on_critical_path"]) == (9.0, True)


def test_no_state_yet_goes_before_success_and_strangers_come_last() -> None:
    rows = dag_grid.ranked(pl.DataFrame({"state": ["odd", "success", None, "failed"]}))
    assert rows.sort("rank")["state"].to_list() == ["failed", None, "success", "odd"]


def test_tasks_are_in_topological_order_within_their_groups() -> None:
    root = dag_grid.tree(_tasks(("a", None, 0), ("g.b", "g", 1), ("g.h.c", "g.h", 2),
                                ("d", None, 3), ("g.e", "g", 4)))
    assert list(root.tasks()) == ["a", "g.b", "g.h.c", "g.e", "d"]
    assert [m if isinstance(m, str) else m.name for m in root.members] == ["a", "g", "d"]


def test_too_many_tasks_leave_out_what_went_well_off_the_path() -> None:
    tasks = _tasks(*((f"t{n:03}", None, n) for n in range(10)))
    cells = dag_grid.worst(pl.DataFrame([
        *(_cell("r", f"t{n:03}", "success") for n in range(10) if n not in (7, 8)),
        _cell("r", "t007", "failed"), _cell("r", "t008", "success", is_on_critical_path=True)]))
    kept = dag_grid.chosen_tasks(tasks, cells, 3)["task_id"].to_list()
    assert kept == ["t000", "t007", "t008"]


def test_a_grid_is_text_whatever_its_names_are() -> None:
    ugly = '"><script>x</script>'
    tasks = dag_grid.chosen_tasks(_tasks((ugly, ugly, 0)), dag_grid.worst(
        pl.DataFrame([_cell(ugly, ugly, ugly)])))
    cells = dag_grid.worst(pl.DataFrame([_cell(ugly, ugly, ugly)]))
    runs = [{"run_id": ugly, "state": ugly, "began_at": AT, "total": 5.0}]
    html = dag_grid.Grid(ugly, ugly, runs, dag_grid.keyed(cells, tasks), ZoneInfo("UTC"),
                         1).draw(dag_grid.tree(tasks))
    assert "<script" not in html
    assert "ws-s-none" in html


def test_a_wait_for_a_retry_is_from_an_end_to_the_next_start() -> None:
    def attempt(number: int, minute: int, length: int, index: int = -1) -> dict[str, Any]:
        return {"run_id": "r", "task_id": "t", "map_index": index, "try_number": number,
                "started_at": AT + minute * MINUTE, "ended_at": AT + (minute + length) * MINUTE}

    [row] = dag_tasks.lost_to_retries(pl.DataFrame([
        attempt(3, 20, 1), attempt(1, 0, 2), attempt(2, 7, 3),      # 5 m and 10 m
        attempt(2, 30, 1, 0), attempt(4, 50, 1, 0),                 # tries before them not known
    ])).iter_rows(named=True)
    assert (row["retry_count"], row["lost_seconds"], row["most_tries"]) == (4, 900.0, 4)
    assert row["last_at"] == AT + 50 * MINUTE


def test_the_history_of_a_task_has_a_row_a_run_and_marks_new_versions() -> None:
    def row(run_id: str, minute: int, version: str | None, **changes: Any) -> dict[str, Any]:
        return {"run_id": run_id, "state": "success", "version_key": version, "run_kind": "manual",
                "run_started_at": AT + minute * MINUTE, "started_at": AT + minute * MINUTE,
                "instance_count": 1, "shortest_seconds": 5.0, "longest_seconds": 5.0,
                "try_count": 1} | changes

    runs = task_history.by_run(pl.DataFrame([
        row("d", 9, "two", state="running", longest_seconds=None, shortest_seconds=None),
        row("c", 3, "two"), row("b", 2, None), row("a", 1, "one"),
        row("c", 3, "two", state="failed", instance_count=2, longest_seconds=8.0)]),
        AT + 10 * MINUTE)
    assert runs["run_id"].to_list() == ["a", "b", "c", "d"]
    assert runs["is_new_version"].to_list() == [False, False, True, False]
    failed = runs.row(2, named=True)
    assert (failed["state"], failed["worst_count"], failed["instance_count"]) == ("failed", 2, 3)
    assert (failed["shortest_seconds"], failed["longest_seconds"]) == (5.0, 8.0)
    assert runs["longest_seconds"][3] == 60.0      # still runs


def test_the_waits_of_a_step_add_up_to_its_handoff_and_other_waits() -> None:
    instances = pl.DataFrame([
        {"run_id": r, "map_index": -1, "pool": "p", "started_at": AT, "queued_at": AT - 2 * MINUTE,
         "run_started_at": AT} for r in ("on", "off")])
    steps = pl.DataFrame([{
        "run_id": "on", "map_index": -1, "pool": "p", "started_at": AT, "limited_by": "pool:p",
        "handoff_seconds": 300.0, "past_run_wait_seconds": 10.0, "limit_wait_seconds": 100.0,
        "scheduler_wait_seconds": 40.0, "startup_wait_seconds": 120.0,
        "external_wait_seconds": 7.0, "retry_wait_seconds": 5.0, "deferred_seconds": 3.0}])
    rows = {r["run_id"]: r for r in task_history.waits(instances, steps).iter_rows(named=True)}
    assert rows["on"]["other_wait_seconds"] == 30.0
    assert rows["on"]["waited_seconds"] == 300.0 + 7.0 + 5.0 + 3.0
    assert (rows["off"]["waited_seconds"], rows["off"]["is_step"]) == (120.0, False)


@pytest.mark.parametrize(("row", "words"), [
    ({"change_kind": "task_added", "task_id": "a"}, "task <span"),
    ({"change_kind": "edge_removed", "task_id": "b", "other_task_id": "a"}, ">a</span> → <span"),
    ({"change_kind": "source_changed", "old_value": "x" * 40, "new_value": "y" * 40},
     "source of the file changed: "),
    ({"change_kind": "other_changed"}, "arguments or texts changed"),
    ({"change_kind": "dag_changed", "field_name": "schedule", "new_value": "@daily"},
     "schedule: not set → "),
])
def test_changes_in_words(row: dict[str, Any], words: str) -> None:
    blank = dict.fromkeys(("task_id", "other_task_id", "field_name", "old_value", "new_value"))
    assert words in dag_history.change(blank | row)


@pytest.mark.parametrize(("selection", "run_id"), [
    ({"run": [{"row": 1}]}, "b"), ({"run": [{"row": 9}]}, None), ({"run": {}}, None),
    ({"run": [{"row": "x"}]}, None), ({}, None)])
def test_a_click_is_a_run_of_the_chart(selection: dict[str, Any], run_id: str | None) -> None:
    class Event:
        def __init__(self) -> None:
            self.selection = selection

    assert dag_runs.clicked(pl.DataFrame({"run_id": ["a", "b"]}), Event()) == run_id


@pytest.mark.parametrize(("text", "index"), [
    ("3", 3), ("0", 0), ("-1", None), ("", None), ("\u0663", None), ("9" * 30, None)])
def test_an_index_of_the_url(text: str, index: int | None) -> None:
    assert task_answer.as_index(text) == index
