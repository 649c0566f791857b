"""Building what changed gives what building everything gives: random lives of real databases.

    world changes -> land -> build (incremental)   ... several times ...   -> every mart
    the same landing -> build --full-refresh                                -> the same marts

What may differ is `newest_load_number`: it says with which build a row was made.
"""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.airflow_world import SqliteFile, World, instant
from tests.airflow_world_landing import Lab
from windsock.build import Builder
from windsock.warehouse import open_build

ROUNDS = 3
DAGS = ("orders_chain", "past_blocked", "branch_skips", "sensor_reschedule", "retry_once")


def marts(lab: Lab) -> dict[str, Counter[str]]:
    """Mart -> its rows as text, without the number of the build."""
    names = [n for (n,) in lab.rows(
        "select table_name from duckdb_tables() where schema_name = 'marts' order by 1")]
    found = {}
    for name in names:
        columns = [c for (c,) in lab.rows(
            "select column_name from duckdb_columns() where schema_name = 'marts' "
            "and table_name = $1 order by column_index", name)]
        listed = ", ".join(f'"{c}"' for c in columns if c != "newest_load_number")
        found[name] = Counter(str(r) for r in lab.rows(f'select {listed} from marts."{name}"'))
    return found


def build(lab: Lab, builder: Builder, *, full: bool = False) -> dict[str, Counter[str]]:
    """dbt needs the file for itself: close, build, look, leave it open."""
    lab.con.execute("checkpoint")
    lab.con.close()
    builder.build(full_refresh=full)
    lab.con = open_build(lab.layout)
    return marts(lab)


class Life:
    """Random schedulers, workers and people."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)  # noqa: S311

    def minute(self) -> None:
        """Some things happen, then the clock moves: a minute, or a day."""
        for _ in range(self.random.randint(6, 14)):
            self.random.choice((self._trigger, self._advance, self._advance, self._advance,
                                self._finish_run, self._person, self._rarely))()
            self.world.now += timedelta(seconds=self.random.choice((0, 1, 7, 40)))
        self.world.now += timedelta(minutes=self.random.choice((1, 1, 5, 90, 1500)))

    def _trigger(self) -> None:
        dag_id = self.random.choice([d for d in DAGS if d in self.world.dag_ids()])
        late = self.world.now - timedelta(hours=30)
        _, run_id = self.world.new_run(dag_id, tasks=self.random.randint(0, 3),
                                       is_manual=self.random.random() < 0.3,
                                       at=self.random.choice((None, None, late)))
        names = [r["task_id"] for r in self.world.database.select(
            f"select distinct task_id from task_instance where dag_id = '{dag_id}'")]
        for number, name in enumerate(n for n in names if not n.startswith("task_")):
            if number < 3:      # tasks that its structure knows
                self.world.raw_update(
                    "task_instance", f"dag_id = '{dag_id}' and run_id = '{run_id}' "
                    f"and task_id = 'task_{number}'", task_id=name)

    def _advance(self) -> None:
        """One instance takes its next step."""
        instances = self.world.instances()
        instance = self.random.choice(instances)
        match instance["state"]:
            case None | "scheduled" | "up_for_retry" | "up_for_reschedule":
                self.world.raw_update("task_instance", self.world.place_of(instance),
                                      queued_dttm=self.world.now, state="queued")
            case "queued":
                self.world.start(instance)
            case "running":
                choice = self.random.random()
                if choice < 0.15:
                    self.world.reschedule(instance)
                elif choice < 0.3:
                    self.world.end(instance, "failed")
                    [failed] = [i for i in self.world.instances()
                                if self.world.place_of(i) == self.world.place_of(instance)]
                    self.world.next_try(failed, "up_for_retry")
                else:
                    self.world.end(instance, self.random.choice(("success", "success", "failed",
                                                                 "skipped")))
            case _:
                if self.random.random() < 0.2:
                    self.world.next_try(instance, None)     # somebody clears it

    def _finish_run(self) -> None:
        running = [r for r in self.world.runs() if r["state"] == "running"]
        if running:
            self.world.end_run(self.random.choice(running),
                               self.random.choice(("success", "failed")))

    def _person(self) -> None:
        match self.random.randint(0, 3):
            case 0:
                self.world.resize_pool(self.random.choice((0, 1, 2, 128)))
            case 1:
                self.world.log("ui_view")
            case 2:
                self.world.pause(self.random.choice(self.world.dag_ids()), True)
            case 3:
                self.world.import_error(self.random.choice((None, "ValueError: 1\n", "Oops")))

    def _rarely(self) -> None:
        if self.random.random() < 0.3:
            run = self.random.choice(self.world.runs())
            if instant(run["start_date"] or self.world.now) < self.world.now - timedelta(hours=1):
                self.world.delete_run(run)


@pytest.mark.parametrize(("version", "seed"), [("2.4.3", 2), ("3.1.8", 3)])
def test_increments_give_what_everything_anew_gives(
    version: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = SqliteFile.of_fixture(version, tmp_path / "airflow.db")
    life = Life(World(database), seed)
    lab = Lab(tmp_path / "var", life.world, database.url, monkeypatch)
    builder = Builder(lab.layout)
    lab.poll()
    build(lab, builder)
    grown = 0
    for number in range(ROUNDS):
        life.minute()
        lab.poll(reconcile="all" if number % 2 else None)
        after = build(lab, builder)
        grown += lab.rows("select count(*) from intermediate.int_changes__runs")[0][0] > 0
    assert grown == ROUNDS
    assert build(lab, builder) == after, "building again changed something"
    whole = build(lab, builder, full=True)
    lab.con.close()
    for name in sorted(whole):
        missing, extra = whole[name] - after[name], after[name] - whole[name]
        assert (missing, extra) == (Counter(), Counter()), (
            f"{name}: increments lack {list(missing)[:3]}, and have instead {list(extra)[:3]}")
