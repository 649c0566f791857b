"""Lands a living Airflow (`tests/airflow_world.py`) and says whether the landing is right.

    lab = Lab(tmp_path, World(...), monkeypatch)
    lab.poll()                       # an increment
    lab.poll(reconcile="all")
    lab.check_against_source()       # landed == source, row for row
    lab.check_rebuild()              # landed == archive, by both routes
"""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest import gate
from ingest.apply import apply_load, rebuild
from ingest.archive import Archive, Manifest
from ingest.landing import LANDED_TABLES, Cluster, Settings, land_clusters, prepare
from ingest.profile import ColumnProfile
from ingest.sources.airflow_db.steps import SOURCE, Pace
from ingest.sources.airflow_db.tables import TABLES
from tests.airflow_world import World, live_rows
from windsock import clock, effects
from windsock.warehouse import Layout, open_build, open_memory

CLUSTER = "prod"
Dump = dict[str, Counter[str]]


def plain_judge(profiles: list[ColumnProfile]) -> dict[str, str]:
    """The gate's rule without Great Expectations, which costs a quarter of a second a load."""
    faults = ("type_fault_count", "key_null_count", "duplicate_key_count")
    return {p.table: f"{p.column}: structural fault" for p in profiles
            if any(getattr(p, f) for f in faults)}


class OurClock:
    """The machine's clock: moves with every look, and where a test sets it."""

    def __init__(self, start: datetime) -> None:
        self.at = start

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=10)
        return self.at


class Lab:
    """A warehouse that lands one world."""

    def __init__(self, root: Path, world: World, url: str, patches: pytest.MonkeyPatch, *,
                 archive: str | None = None) -> None:
        self.world = world
        self.url = url
        self.layout = Layout(root)
        self.archive = Archive(archive or str(root / "archive"))
        self.clock = OurClock(world.now.replace(tzinfo=UTC))
        self.pace = Pace(page_runs=7)       # several pages and slices
        patches.setattr(clock, "now", self.clock)
        patches.setattr(gate, "judge", plain_judge)
        self.con = open_build(self.layout)

    def poll(self, *, reconcile: str | None = None, slices: int | None = None) -> list[Manifest]:
        """Land once; the source's clock is the world's."""
        cluster = Cluster(CLUSTER, self.url, as_of=self.world.now.replace(tzinfo=UTC))
        settings = Settings(pace=self.pace, reconcile=reconcile, slices=slices)
        [outcome] = land_clusters(self.con, self.archive, self.layout, [cluster], settings)
        if outcome.error is not None:
            raise outcome.error
        return outcome.loads

    def reopen(self) -> None:
        """What a new process does."""
        effects.observer = None
        self.con.close()
        self.con = open_build(self.layout)

    def rows(self, sql: str, *parameters: Any) -> list[Any]:
        return self.con.execute(sql, list(parameters)).fetchall()

    def landed(self, name: str) -> dict[Any, Any]:
        return live_rows(self.con, name, self.world.compared(TABLES[name]), CLUSTER)

    # --- what must hold ------------------------------------------------------------------------

    def check_against_source(self) -> None:
        """Live rows are the source's; what is not there is buried, not lost."""
        for name in (*self.world.run_tables(), "dag", "slot_pool", "import_error"):
            there, here = self.world.rows(name), self.landed(name)
            wrong = {k: (there.get(k), here.get(k)) for k in {*there, *here}
                     if there.get(k) != here.get(k)}
            example = next(iter(wrong.items()), None)
            assert not wrong, f"{name}: {len(wrong)} rows differ, such as {example}"

    def check_loads(self) -> None:
        """Every load counts once, in the archive as in the build file; cursors are sane."""
        numbers = [n for (n,) in self.rows("select load_number from landing.loads order by all")]
        manifests = self.archive.manifests()
        assert numbers == list(range(1, len(numbers) + 1))
        assert [m.load_number for m in manifests] == numbers
        # The first pages of an increment still carry the last one's, which a clock may undercut.
        assert manifests[-1].state["watermark"] <= manifests[-1].observed_at
        assert not self.rows("select 1 from landing.quarantined_batches")

    def check_rebuild(self) -> None:
        """Archive alone -> the same tables, set by set and load by load."""
        here = dump(self.con)
        for by_set in (True, False):
            with open_memory() as con:
                from_archive(con, self.archive, self.layout.scratch, by_set=by_set)
                assert_same(here, dump(con))

    def history_size(self) -> dict[str, Counter[Any]]:
        """What may never shrink: keys of all rows, buried ones too, and every replaced image."""
        found: dict[str, Counter[Any]] = {}
        for name, table in TABLES.items():
            if table.strategy != "run":
                continue
            keys = ", ".join(f'"{k}"' for k in table.key)
            found[name] = Counter(self.rows(f'select {keys} from landing."{SOURCE}__{name}"'))
            if table.observed:
                found[f"{name}__replaced"] = Counter(self.rows(
                    f"select {keys}, _load_number, _replaced_at "
                    f'from landing."{SOURCE}__{name}__replaced"'))
        return found


def from_archive(con: duckdb.DuckDBPyConnection, archive: Archive, scratch: Path, *,
                 by_set: bool) -> None:
    """Landing tables in an empty database, from the archive alone."""
    prepare(con)
    manifests = archive.manifests()
    if by_set:
        rebuild(con, archive, manifests, SOURCE, LANDED_TABLES, scratch)
        return
    for manifest in manifests:
        apply_load(con, archive, manifest, LANDED_TABLES, scratch)


def dump(con: duckdb.DuckDBPyConnection, *, without: tuple[str, ...] = ()) -> Dump:
    """Every landing table's rows as text; failed loads and where rows stand are one machine's."""
    names = [n for (n,) in con.execute(
        "select table_name from duckdb_tables() where schema_name = 'landing' "
        "and table_name not in ('failed_loads', 'run_loads') and not temporary order by all"
    ).fetchall()]
    wanted = ", ".join(f"'{w}'" for w in without)
    columns = f"* exclude ({wanted.replace(chr(39), '')})" if without else "*"
    found: Dump = {}
    for name in names:
        rows = con.execute(f'select {columns} from landing."{name}"').fetchall()
        found[name] = Counter(repr(row) for row in rows)
    return found


def assert_same(left: Dump, right: Dump) -> None:
    """Two landings hold the same rows, table for table."""
    assert left.keys() == right.keys()
    for name, rows in left.items():
        assert rows == right[name], (
            f"{name}: only here {list((rows - right[name]).elements())[:2]}, "
            f"only there {list((right[name] - rows).elements())[:2]}")


class Broken(BaseException):
    """A process that stops in mid-landing."""


def break_at(hit: int, error: BaseException) -> None:
    """Install an observer that raises at the n-th side effect from now."""
    countdown = itertools.count(1)

    def observe(_name: str, _subject: str) -> None:
        if next(countdown) == hit:
            raise error

    effects.observer = observe
