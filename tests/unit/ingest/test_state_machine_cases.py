"""What random lives of a source (`test_state_machine.py`) meet too rarely: one case each."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.sources.airflow_db.steps import Pace
from tests.airflow_world import SqliteFile, World
from tests.airflow_world_landing import Lab


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    database = SqliteFile.of_fixture("2.10.5", tmp_path / "airflow.db")
    made = Lab(tmp_path / "var", World(database), database.url, monkeypatch)
    yield made
    made.con.close()


def reasons(lab: Lab, table: str) -> dict[str, str | None]:
    """Run id -> why its row (any of its rows) went; null where it is there."""
    return dict(lab.rows(f"select run_id, max(_delete_reason) from landing.airflow_db__{table} "
                         "where dag_id = 'conf_run' group by all"))


def test_what_a_migration_empties_was_not_deleted_by_a_person(lab: Lab) -> None:
    """2.10.5 to 3.x on SQLite leaves the runs and loses every instance of the finished ones."""
    lab.poll()
    lab.world.upgrade("3.1.8", with_instances=False)
    lab.world.now += timedelta(days=2)
    lab.poll()
    lab.check_against_source()
    assert set(lab.rows("select distinct _delete_reason from landing.airflow_db__task_instance")
               ) == {("retention",)}
    lab.check_rebuild()


def test_retention_and_deletion_are_told_apart(lab: Lab) -> None:
    """A DAG of few schedules and many manual runs keeps a run from before the day of the clean."""
    world = lab.world
    start = world.now
    ids = {}
    for name, days, is_manual in (("spared", 1, False), ("old", 2, True), ("by hand", 20, True),
                                  ("left", 15, True), ("left too", 16, True)):
        world.now = start + timedelta(days=days)
        ids[name] = world.new_run("conf_run", is_manual=is_manual, state="success")[1]
    world.now = start + timedelta(days=21)
    lab.poll()
    world.clean(start + timedelta(days=10))
    world.delete_run(next(r for r in world.runs() if r["run_id"] == ids["by hand"]))
    lab.poll(reconcile="all")
    lab.check_against_source()
    found = reasons(lab, "dag_run")
    assert {n: found[i] for n, i in ids.items()} == {
        "spared": None, "old": "retention", "by hand": "deleted", "left": None, "left too": None}
    again = reasons(lab, "task_instance")
    assert (again[ids["old"]], again[ids["by hand"]]) == ("retention", "deleted")


def test_the_only_schedule_of_a_dag_was_deleted_by_hand(lab: Lab) -> None:
    """`db clean` never takes a DAG's last run of its schedule: somebody deleted the DAG."""
    _, run_id = lab.world.new_run("conf_run", state="success")
    lab.poll()
    for run in lab.world.runs():
        if run["dag_id"] == "conf_run":
            lab.world.delete_run(run)
    lab.world.now += timedelta(days=30)
    lab.world.new_run("orders_chain")
    lab.poll(reconcile="all")
    assert reasons(lab, "dag_run")[run_id] == "deleted"


def test_runs_that_were_set_aside_do_not_double_their_instances(lab: Lab) -> None:
    """One odd instant keeps the runs out; their instances land, once."""
    lab.pace = Pace()
    lab.world.raw_update("dag_run", "id = 3", start_date="no instant at all")
    lab.poll()
    lab.world.new_run("conf_run")
    lab.poll()
    assert not lab.landed("dag_run")
    assert lab.landed("task_instance") == lab.world.rows("task_instance")
    lab.check_rebuild()


def test_the_id_of_a_deleted_run_may_come_back(lab: Lab) -> None:
    """SQLite gives the id of the newest run that went to the next one."""
    lab.poll()
    gone = max(lab.world.runs(), key=lambda r: r["id"])
    lab.world.delete_run(gone)
    _, run_id = lab.world.new_run(gone["dag_id"])
    assert [r["id"] for r in lab.world.runs() if r["run_id"] == run_id] == [gone["id"]]
    lab.poll(reconcile="recent")
    lab.check_against_source()
    both = lab.rows("select run_id, _deleted_at is null from landing.airflow_db__dag_run "
                    "where id = $1 order by all", gone["id"])
    assert sorted(both) == sorted([(gone["run_id"], False), (run_id, True)])
