"""Compaction: fewer files, the same landing, whatever happens in between."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import compact, keeping, landing, merge
from ingest.archive import Archive
from ingest.manifests import Batch, Compacted, CompactedFile, Manifest, counted, is_compacted
from tests.airflow_world import SqliteFile, World
from tests.airflow_world_landing import Broken, Lab, assert_same, break_at, dump
from tests.unit.ingest.test_rebuild import live
from windsock import effects
from windsock.errors import ArchiveError
from windsock.warehouse import Layout

WHERE = "path, byte_count, sha256"      # what compaction may change of landing.batches


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with something of everything on the first of four days."""
    folder = tmp_path_factory.mktemp("past")
    with pytest.MonkeyPatch.context() as patches:
        database = SqliteFile.of_fixture("2.10.5", folder / "airflow.db")
        lab = Lab(folder / "var", World(database), database.url, patches)
        live(lab)
        for _ in range(3):
            next_day(lab)
        lab.con.close()
    return folder


def next_day(lab: Lab, days: int = 1) -> None:
    lab.world.now += timedelta(days=days)
    lab.clock.at += timedelta(days=days)
    lab.world.new_run("conf_run", tasks=2)
    lab.poll()


@pytest.fixture(params=["folder", "memory"])
def lab(past: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        request: pytest.FixtureRequest) -> Iterator[Lab]:
    """That warehouse, its archive in a folder or in an object store."""
    root = f"memory://{uuid.uuid4().hex}" if request.param == "memory" else None
    lab = copy_of(past, tmp_path, monkeypatch, root)
    yield lab
    effects.observer = None
    lab.con.close()
    if root is not None:
        fsspec.filesystem("memory").rm(root, recursive=True)


def copy_of(past: Path, folder: Path, patches: pytest.MonkeyPatch, root: str | None) -> Lab:
    shutil.copytree(past, folder, dirs_exist_ok=True)
    database = SqliteFile(folder / "airflow.db")
    lab = Lab(folder / "var", World(database), database.url, patches, archive=root)
    if root is not None:
        kept = Archive(str(folder / "var" / "archive"))
        for path in kept.paths():
            lab.archive.put(path, kept.get(path), name="test")
    return lab


def today(lab: Lab, later: int = 10) -> date:
    return lab.clock.at.date() + timedelta(days=later)


def run(lab: Lab, on: date | None = None) -> compact.Report:
    place = landing.compaction(lab.con, lab.archive, lab.layout)
    return keeping.keep(place, on or today(lab))


def check(lab: Lab, before: object) -> None:
    """The landing is what it was and what the archive gives; no file is left over or missing."""
    assert isinstance(before, dict)
    here = dump(lab.con)
    assert_same({n: r for n, r in before.items() if n != "batches"},
                {n: r for n, r in here.items() if n != "batches"})
    lab.check_rebuild()
    lab.check_loads()
    paths = lab.archive.manifest_paths()
    manifests = lab.archive.manifests()
    lab.archive.verify(manifests)
    named = {b.path for m in manifests for b in m.batches} | set(paths)
    assert set(lab.archive.paths()) == named
    sizes = {p: lab.archive.size(p) for p in named - set(paths)}
    for path, size in sizes.items():
        assert size == sum(b.byte_count for m in manifests for b in m.batches if b.path == path)


def test_days_that_are_over_become_one_file_a_table(lab: Lab) -> None:
    before, count = dump(lab.con), len(lab.archive.paths())
    batches = lab.rows(f"select * exclude ({WHERE}) from landing.batches order by all")
    report = run(lab)
    assert report.is_complete
    assert report.merged_count == 3
    assert report.files_before - report.files_after == count - len(lab.archive.paths())
    assert report.bytes_after < report.bytes_before / 2
    check(lab, before)
    assert batches == lab.rows(
        f"select * exclude ({WHERE}) from landing.batches order by all")
    by_day = [p.split("date=")[1][:10] for p in lab.archive.manifest_paths() if is_compacted(p)]
    assert len(by_day) == len(set(by_day)) == 3
    again = run(lab)
    assert (again.merged_count, again.is_complete) == (0, True)
    assert not [b for load in lab.poll() for b in load.batches]
    lab.check_against_source()


def test_the_newest_day_and_what_a_landing_looks_back_at_stay(lab: Lab) -> None:
    assert run(lab, today(lab, 1)).merged_count == 1        # of days 0 to 3, the first
    newest = max(lab.archive.manifest_paths(), key=lambda p: p.split("date=")[1])
    run(lab, today(lab, 400))
    assert newest in lab.archive.manifest_paths()


def test_a_month_of_small_days_is_merged_when_it_is_over(
        lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    next_day(lab, 40)
    before = dump(lab.con)
    monkeypatch.setattr(compact, "MONTH_BYTES", 0)
    run(lab)
    assert len([p for p in lab.archive.manifest_paths() if is_compacted(p)]) == 4
    monkeypatch.undo()
    run(lab)
    assert len([p for p in lab.archive.manifest_paths() if is_compacted(p)]) == 1
    check(lab, before)


def test_a_build_file_of_an_earlier_day_catches_up(lab: Lab, tmp_path: Path) -> None:
    """Its newest load is long past, and what it lacks was compacted since, by day and by month."""
    old = tmp_path / "old.duckdb"
    lab.con.close()
    shutil.copy(lab.layout.build_file, old)
    lab.reopen()
    next_day(lab)
    next_day(lab, 40)
    run(lab)
    before = dump(lab.con)
    lab.con.close()
    shutil.copy(old, lab.layout.build_file)
    lab.reopen()
    assert landing.catch_up(lab.con, lab.archive, lab.layout) > 0
    here = dump(lab.con)
    del before["batches"], here["batches"]      # of its older loads it knows the older files
    assert_same(before, here)
    lab.check_loads()


def test_a_damaged_file_is_told_and_never_merged(lab: Lab) -> None:
    batch = next(b for m in lab.archive.manifests() for b in m.batches if b.table == "dag_run")
    whole = lab.archive.get(batch.path)
    lab.archive.put(batch.path, whole[:-1] + bytes([whole[-1] ^ 1]), name="test")
    with pytest.raises(ArchiveError, match="checksum"):
        run(lab)
    lab.archive.put(batch.path, whole, name="test")
    before = dump(lab.con)
    run(lab)
    check(lab, before)


def test_what_another_machine_left_half_done_is_finished(lab: Lab) -> None:
    """Killed after its manifest, and the marker is not here."""
    before = dump(lab.con)
    stop_at(lab, "archive.remove", 3)
    (lab.layout.locks / "compaction.json").unlink()
    assert [m.load_number for m in lab.archive.manifests()] == [
        n for (n,) in lab.rows("select load_number from landing.loads order by all")]
    run(lab)
    check(lab, before)


def stop_at(lab: Lab, effect: str, hit: int) -> None:
    hits = iter(range(1, 1_000_000))

    def observe(name: str, _subject: str) -> None:
        if name == effect and next(hits) == hit:
            raise Broken

    effects.observer = observe
    with pytest.raises(Broken):
        run(lab)
    lab.reopen()


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(
    st.tuples(st.just("day"), st.sampled_from([1, 2, 29])),
    st.tuples(st.just("compact"), st.sampled_from([0, 2, 5, 40])),
    st.tuples(st.just("kill"), st.integers(1, 60))), max_size=3))
def test_any_order_of_landings_compactions_and_kills(
        past: Path, steps: list[tuple[str, int]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wsk-compact-"))
    with pytest.MonkeyPatch.context() as patches:
        lab = copy_of(past, folder, patches, None)
        try:
            for what, number in steps:
                if what == "day":
                    next_day(lab, number)
                elif what == "compact":
                    run(lab, today(lab, number))
                else:
                    break_at(number, Broken())
                    try:
                        run(lab)
                    except Broken:
                        lab.reopen()
                    effects.observer = None
            landing.catch_up(lab.con, lab.archive, lab.layout)
            before = dump(lab.con)
            run(lab)
            check(lab, before)
            lab.check_against_source()
        finally:
            effects.observer = None
            lab.con.close()
            shutil.rmtree(folder)


def test_a_time_limit_leaves_the_rest_for_later(lab: Lab) -> None:
    place = landing.compaction(lab.con, lab.archive, lab.layout)
    report = compact.compact(place, today(lab), time=timedelta(0))
    assert (report.merged_count, report.is_complete) == (0, False)
    assert compact.is_due(lab.layout, today(lab))
    run(lab)
    assert not compact.is_due(lab.layout, today(lab))
    assert compact.is_due(lab.layout, today(lab) + timedelta(days=1))


def test_a_damaged_marker_or_stamp_stops_nothing(lab: Lab) -> None:
    before = dump(lab.con)
    for name in ("compaction.json", "compacted.json"):
        (lab.layout.locks / name).write_bytes(b"{")
    assert compact.is_due(lab.layout, today(lab))
    run(lab)
    check(lab, before)


def test_rows_are_merged_by_row_groups(tmp_path: Path, lab: Lab,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "_ROW_GROUP", 2_048)
    monkeypatch.setattr(merge, "_FILES_AT_ONCE", 2)
    files, rows = [], 0
    for number in range(5):
        file = tmp_path / f"{number}.parquet"
        lab.con.execute(
            f"copy (select 'k' || (i % 977) as k, {number} as _load_number, i as v "
            f"{', 1 as added' if number > 2 else ''} from range(1000) as t(i)) to '{file}'")
        files.append(file)
        rows += 1000
    merged = merge.merge_files(lab.con, files, tmp_path / "s", key=("k",), row_count=rows)
    found = pq.ParquetFile(merged.path)
    assert merged.row_count == found.metadata.num_rows == rows
    assert found.num_row_groups >= 2
    keys = found.read(columns=["k", "_load_number"]).to_pylist()
    assert keys == sorted(keys, key=lambda r: (r["_load_number"], r["k"]))
    assert found.read(columns=["added"])["added"].null_count == 3000
    with pytest.raises(ArchiveError, match="5000 rows"):
        merge.merge_files(lab.con, files, tmp_path / "s", key=("k",), row_count=rows + 1)


def test_a_compacted_manifest_is_read_back_as_it_was() -> None:
    loads = tuple(
        Manifest(f"id{n}", n, "airflow_db", "prod", "increment", "2026-01-01 00:00:00",
                 "2026-01-01 00:00:01", "uri", {"a": 1}, {"w": n},
                 (Batch("dag_run", "", n, 0, "", 1, 0, n == 2),))
        for n in (2, 5, 7))
    file = CompactedFile("dag_run", "p", 14, 1000, "sha")
    compacted = Compacted(1, "2026-01-01", loads, (file,))
    assert Compacted.from_bytes(compacted.to_bytes(), "x") == compacted
    members = list(compacted.members())
    assert sum(b.byte_count for m in members for b in m.batches) == 1000
    assert {(b.path, b.sha256) for m in members for b in m.batches} == {("p", "sha")}
    wider = Compacted(1, "2026-01-01", (*loads, loads[0].__class__(
        **{**loads[0].__dict__, "load_number": 9})), (file,))
    later = Compacted(2, "2026-01-01", loads, (file,))
    assert [o.load_number for _, o in counted([compacted, wider, loads[0]])] == [2, 5, 7, 9]
    assert {id(o) for o, _ in counted([compacted, wider, loads[0]])} == {id(wider)}
    assert {id(o) for o, _ in counted([compacted, later, *loads])} == {id(later)}
    for damage in (b"", b"{", compacted.to_bytes()[:-9]):
        with pytest.raises(ArchiveError, match="x cannot be read"):
            Compacted.from_bytes(damage, "x")


def test_the_marker_lies_with_the_locks(tmp_path: Path) -> None:
    assert compact.is_due(Layout(tmp_path), date(2026, 1, 1))
