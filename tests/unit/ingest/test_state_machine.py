"""Whatever happens to an Airflow, its landing follows: random lives of real SQLite databases.

The oracle is plain Python over the source (`World.rows`). After each reconciliation the landing
equals the source, and equals what the archive alone gives, by both routes.
`python -m tests.drill --machine 200` lives more of these lives.
"""

import errno
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.airflow_world import PostgresDatabase, SqliteFile, World, instant
from tests.airflow_world_landing import CLUSTER, Broken, Lab, break_at
from windsock import effects
from windsock.errors import ArchiveError

PICK = st.integers(0, 1_000)
MINUTES = st.sampled_from([1, 5, 30, 59, 61, 90, 600])
RAW: dict[str, dict[str, Any]] = {
    "dag_run": {"state": "failed", "end_date": "2026-01-02 03:04:05.000678"},
    "task_instance": {"hostname": "elsewhere ü|~'", "duration": 12.345678, "pool_slots": 3,
                      "queued_dttm": None, "pid": 4_000_000_000, "map_index": None},
}


class Life(RuleBasedStateMachine):
    """One Airflow, one landing, and everything that may come between them."""

    version: ClassVar[str] = "2.10.5"
    upgrades_to: ClassVar[str | None] = "3.1.8"

    @initialize()
    def begin(self) -> None:
        self.patches = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp(prefix="wsk-life-"))
        database = self.database()
        self.world = World(database)
        self.lab = Lab(self.folder / "var", self.world, database.url, self.patches)
        self.gone: dict[tuple[str, str], str] = {}      # runs, and how they went
        self.kept: dict[str, Counter[Any]] = {}
        self.is_quiet = False

    def database(self) -> SqliteFile | PostgresDatabase:
        """A fresh database of this release."""
        return SqliteFile.of_fixture(self.version, self.folder / "airflow.db")

    def teardown(self) -> None:
        if hasattr(self, "lab"):
            try:
                self.lab.reopen()
                self.lab.poll(reconcile="all")
                self._check()
                self.lab.check_rebuild()
            finally:
                self.lab.con.close()
                self.patches.undo()
                shutil.rmtree(self.folder)

    # --- schedulers, workers, people -----------------------------------------------------------

    @rule(pick=PICK, tasks=st.integers(0, 3), is_manual=st.booleans())
    def trigger(self, pick: int, tasks: int, is_manual: bool) -> None:
        dags = self.world.dag_ids()
        self.world.new_run(dags[pick % 3], tasks=tasks, is_manual=is_manual)
        self.is_quiet = False

    @rule(pick=PICK, minutes=MINUTES)
    def commit_late(self, pick: int, minutes: int) -> None:
        """A long transaction: everything in it carries the time when it began."""
        dag_id = self.world.dag_ids()[pick % 3]
        self.world.new_run(dag_id, at=self.world.now - timedelta(minutes=minutes), state="success")
        self.is_quiet = False

    @rule(pick=PICK, what=st.sampled_from(
        ["start", "heartbeat", "success", "failed", "skipped", "retry", "clear", "reschedule"]))
    def work(self, pick: int, what: str) -> None:
        instances = self.world.instances()
        if not instances:
            return
        instance = instances[pick % len(instances)]
        match what:
            case "start":
                self.world.start(instance)
            case "heartbeat":
                self.world.heartbeat(instance)
                return      # volatile: nothing to land
            case "retry":
                self.world.next_try(instance, "up_for_retry")
            case "clear":
                self.world.next_try(instance, None)
            case "reschedule":
                self.world.reschedule(instance)
            case _:
                self.world.end(instance, what)
        self.is_quiet = False

    @rule(pick=PICK, state=st.sampled_from(["success", "failed", "running", "queued"]))
    def end_run(self, pick: int, state: str) -> None:
        runs = self.world.runs()
        if runs:
            self.world.end_run(runs[pick % len(runs)], state)
            self.is_quiet = False

    @rule(pick=PICK, table=st.sampled_from(sorted(RAW)), column=PICK)
    def update_past_airflow(self, pick: int, table: str, column: int) -> None:
        rows = self.world.runs() if table == "dag_run" else self.world.instances()
        names = [n for n in RAW[table] if self.world.has(table, n) and n != "map_index"]
        if rows:
            name = names[column % len(names)]
            self.world.raw_update(table, self.world.place_of(rows[pick % len(rows)]),
                                  **{name: RAW[table][name]})
            self.is_quiet = False

    @rule(pick=PICK, table=st.sampled_from(sorted(RAW)))
    def forget_updated_at(self, pick: int, table: str) -> None:
        rows = self.world.runs() if table == "dag_run" else self.world.instances()
        if rows and self.world.has(table, "updated_at"):
            self.world.raw_update(table, self.world.place_of(rows[pick % len(rows)]),
                                  updated_at=None, state="success")
            self.is_quiet = False

    @rule(pick=PICK)
    def delete_instance(self, pick: int) -> None:
        instances = self.world.instances()
        if instances:
            self.world.delete_instance(instances[pick % len(instances)])
            self.is_quiet = False

    @rule(pick=PICK, again=st.booleans())
    def delete_run(self, pick: int, again: bool) -> None:
        """On SQLite the next run may get the id of the one that went."""
        runs = self.world.runs()
        if runs:
            run = max(runs, key=lambda r: r["id"]) if again else runs[pick % len(runs)]
            self.world.delete_run(run)
            self.gone[run["dag_id"], run["run_id"]] = "deleted"
            if again:
                self.world.new_run(run["dag_id"])
            self.is_quiet = False

    @rule(days=st.sampled_from([2, 3, 30]))
    def clean(self, days: int) -> None:
        for key in self.world.clean(self.world.now - timedelta(days=days)):
            self.gone[key] = "retention"
        self.is_quiet = False

    @rule(slots=st.integers(-1, 3), pick=PICK, is_paused=st.booleans(),
          trace=st.sampled_from([None, "Traceback: one", "Traceback: two"]))
    def administrate(self, slots: int, pick: int, is_paused: bool, trace: str | None) -> None:
        self.world.resize_pool(slots)
        self.world.pause(self.world.dag_ids()[pick % 3], is_paused)
        self.world.import_error(trace)
        self.world.log("paused")
        self.is_quiet = False

    @precondition(lambda self: self.upgrades_to is not None and self.world.has(
        "dag_run", "execution_date"))
    @rule(with_instances=st.booleans())
    def upgrade(self, with_instances: bool) -> None:
        assert self.upgrades_to is not None
        self.world.upgrade(self.upgrades_to, with_instances=with_instances)
        self.is_quiet = False

    # --- clocks --------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 10, 70, 60 * 30, 60 * 24 * 4]))
    def wait(self, minutes: int) -> None:
        self.world.now += timedelta(minutes=minutes)
        self.lab.clock.at += timedelta(minutes=minutes)

    @rule(minutes=st.sampled_from([-60 * 24 * 3, -180, -5, 180, 60 * 24 * 3]),
          is_ours=st.booleans())
    def step_clock(self, minutes: int, is_ours: bool) -> None:
        """The source's clock is set, or ours."""
        if is_ours:
            self.lab.clock.at += timedelta(minutes=minutes)
        else:
            self.world.now += timedelta(minutes=minutes)

    # --- landing -------------------------------------------------------------------------------

    @rule(slices=st.sampled_from([0, 1, None]))
    def poll(self, slices: int | None) -> None:
        self.lab.poll(slices=slices)
        self.lab.check_loads()

    @rule(hit=st.integers(1, 120), is_kill=st.booleans(), reconcile=st.booleans())
    def poll_and_break(self, hit: int, is_kill: bool, reconcile: bool) -> None:
        error = Broken() if is_kill else OSError(errno.EIO, "Input/output error")
        break_at(hit, error)
        try:
            self.lab.poll(reconcile="all" if reconcile else None)
        except (Broken, OSError, ArchiveError):
            self.lab.reopen()
        finally:
            effects.observer = None

    @rule()
    def reconcile(self) -> None:
        self.lab.poll(reconcile="all")
        self._check()

    @precondition(lambda self: self.is_quiet)
    @rule()
    def poll_again(self) -> None:
        """Nothing happened, nothing is landed."""
        assert not [b for load in self.lab.poll() for b in load.batches]

    def _check(self) -> None:
        self.lab.check_against_source()
        self.lab.check_loads()
        self._check_reasons()
        self.is_quiet = True
        self.poll_again()

    def _check_reasons(self) -> None:
        """Runs that went: by `db clean`, or by hand where it cannot have been that."""
        landed = {(d, r): (at, why) for d, r, at, why in self.lab.rows(
            "select dag_id, run_id, start_date, _delete_reason "
            "from landing.airflow_db__dag_run where cluster = $1 and _deleted_at is not null",
            CLUSTER)}
        spared = self.world.spared()
        recent = self.world.now - timedelta(days=1)
        left = min((instant(r["start_date"]) for r in self.world.runs()
                    if r["start_date"] and r["id"] not in spared), default=recent)
        is_mixed = len(set(self.gone.values())) > 1
        for key, why in self.gone.items():
            if key in landed and not is_mixed:      # else it came back, or cannot be told
                at, said = landed[key]
                if at is None or at >= min(left, recent):
                    assert said == "deleted", key
                elif why == "retention":
                    assert said == "retention", key
        self.gone.clear()

    @invariant()
    def history_never_shrinks(self) -> None:
        if not hasattr(self, "lab") or not self.lab.rows(
                "select 1 from duckdb_tables() where table_name = 'loads'"):
            return
        now = self.lab.history_size()
        for name, rows in self.kept.items():
            assert not rows - now[name], name
        self.kept = now


class LifeOf22(Life):
    version = "2.2.5"       # no updated_at, no map_index, no history of tries
    upgrades_to = None


class LifeOf31(Life):
    version = "3.1.8"       # a new instance id with every try
    upgrades_to = None


LIVES = {machine.version: machine for machine in (Life, LifeOf22, LifeOf31)}


def live(machine: type[Life], lives: int, steps: int, *, is_random: bool = False) -> None:
    """Live so many lives of so many steps: in CI always the same ones."""
    # Without shrinking: a step lands, so looking for a shorter life takes minutes.
    run_state_machine_as_test(machine, settings=settings(
        max_examples=lives, stateful_step_count=steps, deadline=None, derandomize=not is_random,
        database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)))


@pytest.mark.parametrize("version", LIVES)
def test_landing_follows_whatever_happens(version: str) -> None:
    live(LIVES[version], 2, 16)
