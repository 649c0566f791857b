"""What changed in a DAG and who did it: kept build by build, equal to what everything anew gives.

    landed structures, versions, hashes, audit rows -> build ... build -> --full-refresh -> the same
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.landing import prepare
from windsock.build import Builder
from windsock.warehouse import Layout, open_build

BEGAN = datetime.fromisoformat("2026-01-01")     # landed: in UTC, as all instants
MARTS = {
    "fct_dag_version_changes": "cluster, dag_id, version_key, change_number",
    "fct_audit_events": "cluster, event_id",
}
Rows = dict[str, list[tuple[Any, ...]]]


class Landed:
    """A landing zone filled by hand: one 3.x cluster whose versions and audit rows are listed."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.number = 0
        with open_build(self.layout) as con:
            prepare(con)

    def land(self, *rows: tuple[str, dict[str, Any]]) -> None:
        """One load: rows as table and values."""
        self.number += 1
        at = BEGAN + timedelta(days=self.number)
        stamps = {"cluster": "c", "_load_number": self.number}
        with open_build(self.layout) as con:
            for table, values in (*rows, ("loads", {
                    "load_number": self.number, "load_id": f"load-{self.number}",
                    "kind": "increment", "observed_at": at, "loaded_at": at,
                    "facts": '{"airflow_version": "3.1.8"}', "cluster": "c"})):
                full = values if table == "loads" else {**stamps, "_observed_at": at, **values}
                name = table if table == "loads" else f"airflow_db__{table}"
                listed, marks = ", ".join(full), ", ".join("?" * len(full))
                con.execute(f"insert into landing.{name} ({listed}) values ({marks})",
                            list(full.values()))

    def build(self, *, full_refresh: bool = False) -> Rows:
        builder = Builder(self.layout, memory_limit="1GB")
        wanted = " ".join(f"+{name}" for name in (*MARTS, "int_changes__clusters"))
        builder.build(select=wanted, full_refresh=full_refresh)
        builder.build(select="int_changes__done", full_refresh=full_refresh)
        with open_build(self.layout) as con:
            return {mart: con.execute(f"select * from marts.{mart} order by {grain}").fetchall()
                    for mart, grain in MARTS.items()}


def version(dag_id: str, number: int, *tasks: dict[str, Any], source: str = "x",
            ) -> list[tuple[str, dict[str, Any]]]:
    """All rows of a version; tasks that are named in `upstream` come first."""
    key = {"dag_id": dag_id, "dag_version_id": f"{dag_id}-{number}"}
    by_hash = {**key, "dag_hash": f"hash-{number}"}
    made_at = BEGAN + timedelta(hours=number)
    return [
        ("dag_version", {"dag_id": dag_id, "id": key["dag_version_id"], "version_number": number,
                         "created_at": made_at}),
        ("serialized_dag", {**by_hash, "created_at": made_at}),
        ("dag_code", {**key, "code_key": key["dag_version_id"], "fileloc": "/d.py",
                      "source_hash": source, "last_updated": made_at}),
        ("dag_structure", {**by_hash, "structure_hash": repr(tasks), "task_count": len(tasks)}),
        *(("dag_structure_task", {**by_hash, "upstream_task_ids": [], **task}) for task in tasks),
    ]


def event(number: int, name: str, **values: Any) -> tuple[str, dict[str, Any]]:
    return "log", {"id": number, "event": name, "dttm": BEGAN + timedelta(minutes=number), **values}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    landed = Landed(tmp_path_factory.mktemp("landed"))
    first = {"task_id": "a", "operator": "BashOperator"}
    second = {"task_id": "b", "operator": "BashOperator", "pool": "etl"}
    landed.land(*version("grows", 1, first, second), *version("still", 1, first),
                *version("still", 2, first), event(1, "patch_dag", owner="ann", dag_id="grows"),
                event(2, "running", owner="ann", dag_id="grows", try_number=1))
    found = {"first": landed.build()}
    landed.land(*version("grows", 2, first, {**second, "pool": "ml", "upstream_task_ids": ["a"]},
                         {"task_id": "c", "operator": "PythonOperator", "upstream_task_ids": ["b"]},
                         source="y"),
                event(3, "heartbeat timeout", dag_id="grows", task_id="b"))
    found["second"] = landed.build()
    # two loads come in one build
    landed.land(*version("grows", 3, first, source="z"), event(4, "graph", owner="ann"))
    landed.land(event(5, "cli_dag_trigger", owner="root", dag_id="grows"))
    found["last"] = landed.build()
    found["again"] = landed.build()
    found["anew"] = landed.build(full_refresh=True)
    return found


@pytest.mark.parametrize("mart", MARTS)
def test_build_by_build_is_everything_anew(built: dict[str, Rows], mart: str) -> None:
    assert built["last"][mart] == built["again"][mart] == built["anew"][mart]
    assert len(built["first"][mart]) < len(built["second"][mart]) < len(built["last"][mart])


def test_a_version_says_what_changed(built: dict[str, Rows]) -> None:
    changes = [(row[2], *row[5:9], *row[10:]) for row in built["last"]["fct_dag_version_changes"]]
    assert changes == [
        ("grows-2", "task_added", "c", None, "operator", None, "PythonOperator"),
        ("grows-2", "task_changed", "b", None, "pool", "etl", "ml"),
        ("grows-2", "edge_added", "b", "a", None, None, None),
        ("grows-2", "source_changed", None, None, "source_hash", "x", "y"),
        ("grows-3", "task_removed", "b", None, "operator", "BashOperator", None),
        ("grows-3", "task_removed", "c", None, "operator", "PythonOperator", None),
        ("grows-3", "source_changed", None, None, "source_hash", "y", "z"),
        ("still-2", "other_changed", None, None, None, None, None),
    ]


def test_the_log_holds_what_people_and_schedulers_did(built: dict[str, Rows]) -> None:
    assert [row[1:5] for row in built["last"]["fct_audit_events"]] == [
        (1, "patch_dag", "request", "ann"),
        (3, "heartbeat timeout", "scheduler", None),
        (5, "cli_dag_trigger", "cli", "root"),
    ]
