"""The kill drill: every side effect of a cycle fails in turn, and nothing is lost or doubled.

    for each start (first landing, next landing, lost build file)
      for each side effect, its first hits, and each fault (kill, EIO, a disk that stays full)
        a process runs into it  ->  the published snapshot opens
        another process runs    ->  the landing equals a full reload and its own archive

`python -m tests.drill --all` does it all, `--few` the subset of CI, `--machine 200` lives random
lives of a source (`tests/unit/ingest/test_state_machine.py`). Every step is a forked process; this
one only starts them, so that a kill takes a real process with it.
"""

import argparse
import errno
import itertools
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest import compact, landing
from ingest.manifests import counted
from tests.airflow_world import SqliteFile, World
from tests.airflow_world_landing import Dump, Lab, assert_same, dump, from_archive
from windsock import effects
from windsock.errors import WindsockError
from windsock.publish import publish
from windsock.warehouse import Layout, open_build, open_memory, open_snapshot, writer_lock

KILLED, REFUSED, CLEAN = 137, 3, 0
FAULTS = ("kill", "eio", "full")
STARTS = ("first", "next", "lost")
STAMPS = ("_row_flags", "_observed_at", "_loaded_at", "_load_id", "_load_number", "_source_uri")
# A landing's time goes with the tables; these add none of another kind.
UNPLAYED = ("task_reschedule", "task_fail", "task_map", "dagrun_dataset_event", "dag_version")
HARMLESS, HARMFUL, UNSTRUCK = 0, 1, 2       # exit statuses of a worker


@dataclass(frozen=True)
class Case:
    """One fault: at the n-th hit of a side effect, from one start."""

    start: str
    effect: str
    hit: int
    fault: str

    def __str__(self) -> str:
        return f"{self.start}: {self.fault} at {self.effect} #{self.hit}"


# What CI runs: one of each kind of place where something is half done.
FEW = (
    Case("first", "quarantine.reason.write", 1, "kill"),
    Case("next", "archive.batch.rename", 2, "full"),
    Case("next", "landing.commit", 2, "kill"),
    Case("next", "publish.pointer.rename", 1, "kill"),
    Case("lost", "rebuild.commit", 1, "kill"),
    Case("next", "compact.manifest.rename", 1, "kill"),
    Case("next", "archive.remove", 2, "kill"),
)


# --- what happens in the processes -------------------------------------------------------------

def cycle(folder: Path, *, is_reconciled: bool = True) -> None:
    """Land, build two small marts by hand, publish whole, sealed and beside the sealed."""
    with pytest.MonkeyPatch.context() as patches:
        layout = Layout(folder / "var")
        with writer_lock(layout, "drill"):
            lab = lab_of(folder, patches)
            lab.poll(reconcile="all" if is_reconciled else None)
            lab.con.execute("""
                create schema if not exists marts;
                create or replace table marts.fct_dag_runs as
                    select cluster, dag_id, run_id, state, start_date as started_at,
                        _load_number as newest_load_number
                    from landing.airflow_db__dag_run where _deleted_at is null;
                create or replace table marts.dim_pools as
                    select cluster, pool, slots from landing.airflow_db__slot_pool""")
            lab.con.close()
            for whole_rows in (500_000, 0, 0):
                publish(layout, whole_rows=whole_rows)
            keep(layout, lab)


def keep(layout: Layout, lab: Lab) -> None:
    """The days before the newest are over, and compacted."""
    with open_build(layout) as con:
        place = landing.compaction(con, lab.archive, layout)
        compact.compact(place, lab.clock.at.date() + compact.LOOK_BACK + timedelta(days=1))


def lab_of(folder: Path, patches: pytest.MonkeyPatch) -> Lab:
    database = SqliteFile(folder / "airflow.db")
    patches.setattr(landing, "_REBUILD_FROM", 2)      # the start "lost" goes set by set
    return Lab(folder / "var", World(database), database.url, patches)


def break_cycle(folder: Path, case: Case) -> None:
    """A cycle that runs into a fault; all the while the pointer must name a file."""
    layout = Layout(folder / "var")
    hits: Counter[str] = Counter()

    def observe(name: str, _subject: str) -> None:
        layout.newest_snapshot()
        hits[name] += 1
        is_struck = name == case.effect and hits[name] == case.hit
        if is_struck and case.fault == "kill":
            os._exit(KILLED)
        if is_struck:
            hits["struck"] += 1
            code = errno.EIO if case.fault == "eio" else errno.ENOSPC
            raise OSError(code, os.strerror(code))
        if hits["struck"] and case.fault == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    effects.observer = observe
    try:
        cycle(folder)
    except (WindsockError, OSError, duckdb.Error):
        os._exit(REFUSED)


def count_effects(folder: Path) -> None:
    """How often a clean cycle does what; into a file beside it."""
    hits: Counter[str] = Counter()

    def observe(name: str, _subject: str) -> None:
        hits[name] += 1

    effects.observer = observe
    cycle(folder)
    (folder / "hits").write_bytes(pickle.dumps(dict(hits)))


def check_snapshot(folder: Path) -> None:
    """Once something was published, it opens."""
    layout = Layout(folder / "var")
    if layout.newest_snapshot() is not None:
        with open_snapshot(layout) as con:
            [(count,)] = con.execute("select count(*) from fct_dag_runs").fetchall()
            assert count > 0


def mend_and_check(folder: Path) -> None:
    """Another cycle without faults: the landing is whole, and nothing else is left behind."""
    cycle(folder)
    check_snapshot(folder)
    with pytest.MonkeyPatch.context() as patches:
        lab = lab_of(folder, patches)
        lab.world.run_tables()
        here = dump(lab.con)
        for by_set in (True, False):
            with open_memory() as con:
                from_archive(con, lab.archive, lab.layout.scratch, by_set=by_set)
                assert_same(here, dump(con))
        assert_same(pickle.loads((folder.parent / "reload").read_bytes()), live(lab))  # noqa: S301
        manifests = lab.archive.manifests()
        assert [m.load_number for m in manifests] == list(range(1, len(manifests) + 1))
        paths = lab.archive.manifest_paths()
        found = [lab.archive.read(path) for path in paths]
        assert {id(f) for f in found} == {id(origin) for origin, _ in counted(found)}
        named = {b.path for m in manifests for b in m.batches} | set(paths)
        left = {*lab.archive.paths()} - named
        left |= {p.name for p in lab.layout.scratch.glob("*.db*")}
        left |= {p.name for p in lab.layout.snapshots.glob(".*")}
        left |= {p.name for p in lab.layout.locks.glob("*.json") if p.name != "compacted.json"}
        assert not left, f"left behind: {left}"
        assert len(list(lab.layout.snapshots.glob("warehouse-*"))) <= 3
        lab.con.close()


def reload(folder: Path) -> None:
    """What a landing from nothing gives, into a file beside the start."""
    cycle(folder)
    with pytest.MonkeyPatch.context() as patches:
        lab = lab_of(folder, patches)
        (folder.parent / "reload").write_bytes(pickle.dumps(live(lab)))
        lab.con.close()


def live(lab: Lab) -> Dump:
    """Live rows of every landing table without stamps; replaced images are one warehouse's own."""
    found: Dump = {}
    for (name,) in lab.rows("select table_name from duckdb_tables() where schema_name = 'landing' "
                            "and starts_with(table_name, 'airflow_db__') "
                            "and not ends_with(table_name, '__replaced')"):
        rows = lab.rows(f"select * exclude ({', '.join(STAMPS)}) from landing.\"{name}\" "
                        "where _deleted_at is null")
        found[name] = Counter(map(repr, rows))
    return found


def prepare(folder: Path) -> None:
    """The three starts: the same source, after nothing, after a landing, and without a build."""
    source = folder / "source"
    source.mkdir()
    database = SqliteFile.of_fixture("2.10.5", source / "airflow.db")
    for name in UNPLAYED:
        database.execute(f"drop table if exists {name}")
    world = World(database)
    world.raw_update("import_error", "1 = 1", timestamp="no instant at all")     # the gate objects
    before = folder / "before"
    shutil.copytree(source, before)
    cycle(before)
    world.now += timedelta(days=1)
    world.new_run("conf_run")
    world.end(world.instances()[0], "failed")
    world.next_try(world.instances()[3], None)
    world.delete_run(world.runs()[-1])
    world.delete_instance(world.instances()[-1])
    world.resize_pool(3)
    shutil.copytree(source, folder / "first")
    shutil.copytree(before, folder / "next")
    shutil.copy(source / "airflow.db", folder / "next" / "airflow.db")
    shutil.copytree(folder / "next", folder / "lost")
    shutil.rmtree(folder / "lost" / "var" / "build")


# --- what this process does --------------------------------------------------------------------

def in_process(work: Callable[..., None], *arguments: Any) -> int:
    """Do something in a forked process; its exit status."""
    pid = forked(lambda: work(*arguments))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def forked(work: Callable[[], None]) -> int:
    """Do something in a forked process; its id."""
    pid = os.fork()
    if pid == 0:
        status = HARMFUL
        with suppress(BaseException):
            try:
                work()
                status = CLEAN
            except BaseException:
                traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)
    return pid


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def drill(folder: Path, case: Case) -> int:
    """Run into one fault and mend; whether it did harm."""
    place = folder / f"case-{os.getpid()}"
    shutil.copytree(folder / case.start, place)
    try:
        status = in_process(break_cycle, place, case)
        if status == CLEAN:
            return UNSTRUCK
        if status not in (KILLED, REFUSED):
            say(f"FAILED {case}: ended with {status}")
            return HARMFUL
        steps = {"the snapshot does not open": check_snapshot, "harm was done": mend_and_check}
        for what, step in steps.items():
            if in_process(step, place) != CLEAN:
                say(f"FAILED {case}: {what}")
                return HARMFUL
        say(f"ok {case}")
        return HARMLESS
    finally:
        shutil.rmtree(place)


def _work(folder: Path, case: Case) -> None:
    os._exit(drill(folder, case))


def drill_all(folder: Path, cases: Iterator[Case]) -> Counter[int]:
    """Drill the cases, one a core at a time; how they ended."""
    ended: Counter[int] = Counter()
    running: set[int] = set()
    workers = os.cpu_count() or 1
    for case in itertools.chain(cases, itertools.repeat(None)):
        if case is None and not running:
            break
        if case is None or len(running) == workers:
            pid, status = os.wait()
            running.discard(pid)
            ended[os.waitstatus_to_exitcode(status)] += 1
        if case is not None:
            running.add(forked(partial(_work, folder, case)))
    return ended


def every_case(folder: Path, hits: int) -> Iterator[Case]:
    """All cases, each name's hits as long as there are that many."""
    for start in STARTS:
        place = folder / "counted"
        shutil.copytree(folder / start, place)
        if in_process(count_effects, place) != CLEAN:
            raise SystemExit(f"A cycle without faults failed from the start {start}.")
        counted: dict[str, int] = pickle.loads((place / "hits").read_bytes())  # noqa: S301
        shutil.rmtree(place)
        for effect, count in sorted(counted.items()):
            for hit in range(1, min(hits, count) + 1):
                for fault in FAULTS:
                    yield Case(start, effect, hit, fault)


def full_disk(folder: Path) -> Iterator[bool]:
    """A small file system that fills up under DuckDB itself, then grows."""
    place = folder / "small"
    place.mkdir()
    size = sum(p.stat().st_size for p in (folder / "next").rglob("*") if p.is_file())
    for extra in (200_000, 700_000, 1_500_000, 3_000_000, 6_000_000, 12_000_000):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size + extra}", "tmpfs",
                                  str(place)], check=False, capture_output=True)
        if mounted.returncode:
            say("NOT DRILLED: a full disk under DuckDB, which takes root and a tmpfs to mount")
            return
        try:
            shutil.copytree(folder / "next", place / "case")
            status = in_process(break_cycle, place / "case", Case("next", "", 0, "full"))
            is_open = in_process(check_snapshot, place / "case") == CLEAN
            subprocess.run(["mount", "-o", "remount,size=1G", str(place)], check=True)
            shutil.copy(folder / "reload", place / "reload")
            is_mended = in_process(mend_and_check, place / "case") == CLEAN
            is_well = status in (CLEAN, REFUSED) and is_open and is_mended
            say(f"{'ok' if is_well else 'FAILED'} disk full {extra} bytes on: cycle ended {status}")
            yield is_well
        finally:
            subprocess.run(["umount", str(place)], check=True)


def run(cases: Callable[[Path], Iterator[Case]], *, with_disk: bool) -> int:
    """Drill the cases; 0 when none did harm."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wsk-drill-") as name:
        folder = Path(name)
        if in_process(prepare, folder) != CLEAN:
            return 1
        shutil.copytree(folder / "first", folder / "whole")
        if in_process(reload, folder / "whole") != CLEAN:
            return 1
        # A list first: counting effects forks processes that a pool must not wait for.
        ended = drill_all(folder, iter(list(cases(folder))))
        if with_disk:
            ended.update(HARMLESS if is_well else HARMFUL for is_well in full_disk(folder))
    harmful = sum(ended.values()) - ended[HARMLESS] - ended[UNSTRUCK]
    say(f"{ended[HARMLESS]} faults did no harm, {harmful} did, {ended[UNSTRUCK]} never struck, "
        f"in {timedelta(seconds=round(time.monotonic() - began))}")
    return int(harmful > 0 or not ended[HARMLESS])


def few(_folder: Path) -> Iterator[Case]:
    yield from FEW


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="every side effect")
    which.add_argument("--few", action="store_true", help="the subset of CI")
    which.add_argument("--machine", type=int, metavar="LIVES", help="random lives of a source")
    parser.add_argument("--hits", type=int, default=2, help="first hits of each side effect")
    chosen = parser.parse_args(arguments)
    if chosen.machine:
        from tests.unit.ingest import test_state_machine as machine

        for life in machine.LIVES.values():
            machine.live(life, chosen.machine, 40, is_random=True)
        return 0
    if chosen.few:
        return run(few, with_disk=False)
    return run(lambda folder: every_case(folder, chosen.hits), with_disk=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
