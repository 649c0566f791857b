"""The doctor's look at compaction and at how much room everything takes."""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from ingest import compact, landing
from ingest.archive import Archive, Manifest
from ingest.contracts import batch_schema
from ingest.doctor import kept, listed
from ingest.doctor.check import Check, size
from ingest.doctor.listed import Bounds, list_archive
from ingest.doctor.warehouse import Place
from ingest.expire import EXPIRED_RUN
from windsock.publish import publish
from windsock.warehouse import Layout, open_build, open_memory

TODAY = date(2026, 3, 20)
MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture(params=["folder", "memory"])
def archive(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Archive]:
    if request.param == "folder":
        yield Archive(str(tmp_path / "var" / "archive"))
        return
    root = f"memory://{uuid.uuid4().hex}"
    yield Archive(root)
    if fsspec.filesystem("memory").exists(root):
        fsspec.filesystem("memory").rm(root, recursive=True)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "var")


def land(archive: Archive, *days: int, cluster: str = "prod", month: int = 3) -> None:
    """A load of one table on each of these days of a month."""
    for day in days:
        number = len(archive.manifest_paths()) + 1
        at = f"2026-{month:02d}-{day:02d} 08:00:00"
        draft = Manifest(f"id{number}", number, "airflow_db", cluster, "increment", at, at, "uri")
        stamps = {"_load_number": number, "dag_id": "d", "run_id": f"r{number}"}
        rows = pa.Table.from_pylist([stamps], schema=batch_schema(EXPIRED_RUN))
        batch = archive.write_batch(draft, EXPIRED_RUN.name, rows)
        archive.commit(Manifest(**{**draft.__dict__, "batches": (batch,)}))


def place(layout: Layout, archive: Archive, *, days: int = 0, kept_days: int | None = 400) -> Place:
    """The warehouse, looked at some days after today."""
    now = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC) + timedelta(days=days)
    return Place(layout, archive.root, (), now, kept_days)


def of(where: Place, name: str) -> Check:
    [check] = [c for c in kept.examine(where) if c.name == name]
    return check


def complete(layout: Layout, day: date) -> None:
    layout.locks.mkdir(parents=True, exist_ok=True)
    (layout.locks / "compacted.json").write_text(json.dumps({"date": day.isoformat()}))


def run(layout: Layout, archive: Archive) -> compact.Report:
    with closing(open_memory()) as con:
        landing.prepare(con)
        return compact.compact(landing.compaction(con, archive, layout), TODAY)


# --- listing -----------------------------------------------------------------------------------


def test_every_file_is_counted_with_its_bytes(archive: Archive) -> None:
    land(archive, 1, 1, 2)
    land(archive, 1, cluster="other")
    listing = list_archive(archive.root, Bounds())
    paths = archive.paths()
    assert (listing.file_count, listing.is_whole) == (len(paths), True) == (8, True)
    assert listing.byte_count == sum(map(archive.size, paths))
    assert sorted(listing.manifests) == sorted(archive.manifest_paths())
    assert {d: day.file_count for d, day in listing.days.items()} == {
        ("airflow_db/prod", "2026-03-01"): 4, ("airflow_db/prod", "2026-03-02"): 2,
        ("airflow_db/other", "2026-03-01"): 2}


def test_no_archive_has_no_files(archive: Archive) -> None:
    listing = list_archive(archive.root, Bounds())
    assert (listing.file_count, listing.byte_count, listing.is_whole) == (0, 0, True)


def test_counting_stops_at_its_bound_and_begins_with_manifests(archive: Archive) -> None:
    land(archive, 1, 1, 2, 2, 3)
    short = list_archive(archive.root, Bounds(file_count=7))
    assert (short.file_count, short.is_whole, len(short.manifests)) == (7, False, 5)
    assert list_archive(archive.root, Bounds(file_count=10)).is_whole
    assert not list_archive(archive.root, Bounds(file_count=9)).is_whole


def test_counting_stops_when_its_time_is_over(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(archive, 1, 1)
    ticks = iter(range(100))
    monkeypatch.setattr(listed, "monotonic", lambda: next(ticks))
    listing = list_archive(archive.root, Bounds(seconds=4))
    assert (listing.is_whole, listing.file_count) == (False, 0)     # four folders were seen


def test_what_waits_is_what_compaction_merges(archive: Archive, layout: Layout) -> None:
    land(archive, 1, 1, 1, 2, 2, 3, 10, 19, 19)     # 3 and 10 are alone, 19 is too young
    land(archive, 1, 1, cluster="other")            # its newest day stays
    waiting = list_archive(archive.root, Bounds()).waiting_count(TODAY)
    assert waiting == run(layout, archive).files_before == 10
    assert list_archive(archive.root, Bounds()).waiting_count(TODAY) == 0


def test_a_month_waits_while_its_days_are_small(
    archive: Archive, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(archive, 1, 2, 2, month=1)
    land(archive, 1)
    listing = list_archive(archive.root, Bounds())
    assert listing.waiting_count(TODAY) == 6
    monkeypatch.setattr(compact, "MONTH_BYTES", 0)
    assert listing.waiting_count(TODAY) == 4
    monkeypatch.undo()
    listing.is_whole = False
    assert listing.waiting_count(TODAY) == 4
    assert run(layout, archive).merged_count == 2
    assert list_archive(archive.root, Bounds()).waiting_count(TODAY) == 0


# --- compaction --------------------------------------------------------------------------------


def test_compacted_today(archive: Archive, layout: Layout) -> None:
    land(archive, 19)
    complete(layout, TODAY)
    check = of(place(layout, archive), "compaction")
    assert (check.status, check.seen) == (
        "ok", "last complete on 2026-03-20; 0 small files wait to be merged")


def test_files_that_wait_for_three_days_are_well_then_not(archive: Archive, layout: Layout) -> None:
    land(archive, 1, 1, 2)
    complete(layout, TODAY)
    assert of(place(layout, archive, days=3), "compaction").status == "ok"
    check = of(place(layout, archive, days=4), "compaction")
    assert (check.status, check.seen) == ("warn", "last complete on 2026-03-20; 4 small files "
                                          "wait to be merged; due for 4 days")
    assert check.next_step.startswith("run `windsock compact`")


def test_never_compacted_counts_from_the_first_load(archive: Archive, layout: Layout) -> None:
    land(archive, 16, 16, 17, 19)
    check = of(place(layout, archive), "compaction")
    assert check.status == "warn"
    assert check.seen.startswith("was never complete; 4 small files")
    assert check.seen.endswith("due for 4 days")
    assert of(place(layout, archive, days=-1), "compaction").status == "ok"


def test_nothing_waits_and_nothing_comes(archive: Archive, layout: Layout) -> None:
    """A copy that was landed once needs nothing; keeping that fails every day does."""
    land(archive, 1)
    assert of(place(layout, archive), "compaction").status == "ok"
    land(archive, 19)
    check = of(place(layout, archive), "compaction")
    assert check.status == "warn"
    assert "0 small files" in check.seen
    complete(layout, date(2026, 3, 16))
    assert of(place(layout, archive), "compaction").status == "ok"


def test_a_damaged_stamp_is_none(archive: Archive, layout: Layout) -> None:
    land(archive, 1, 1, 2)
    complete(layout, TODAY)
    (layout.locks / "compacted.json").write_text('{"date": "soon"}')
    assert compact.is_due(layout, TODAY)
    assert of(place(layout, archive), "compaction").seen.startswith("was never complete")


def test_before_the_first_load(archive: Archive, layout: Layout) -> None:
    assert of(place(layout, archive), "compaction").seen == "nothing is archived yet"


def test_the_sample_is_never_compacted(archive: Archive, layout: Layout) -> None:
    land(archive, 1, 1, 2)
    assert [c.name for c in kept.examine(place(layout, archive, kept_days=None))] == ["space"]


# --- space -------------------------------------------------------------------------------------


def build(layout: Layout, instance_count: int) -> None:
    """A build file whose marts are of one run and so many task instances."""
    with closing(open_build(layout)) as con:
        con.execute(f"create schema marts; create table marts.{kept._MART} as select "
                    "'c' as cluster, 'd' as dag_id, 'r' as run_id, i as task_id, "
                    f"1 as newest_load_number from range({instance_count}) as t(i); checkpoint")


def test_sizes_before_anything_is_there(archive: Archive, layout: Layout) -> None:
    assert of(place(layout, archive), "space").seen == "archive 0 B in 0 files"


@pytest.mark.parametrize("is_sealed", [False, True])
def test_sizes_of_everything(archive: Archive, layout: Layout, is_sealed: bool) -> None:
    land(archive, 1, 2)
    build(layout, 10_000)
    publish(layout, whole_rows=0 if is_sealed else 10**6)
    publish(layout, whole_rows=0 if is_sealed else 10**6)     # an older one does not count
    newest = layout.newest_snapshot()
    assert newest is not None
    files = [newest, *layout.snapshots.glob("sealed_*")]
    assert len(files) == 1 + is_sealed
    sizes = {"archive": sum(map(archive.size, archive.paths())),
             "build file": layout.build_file.stat().st_size,
             "published": sum(f.stat().st_size for f in files)}
    words = [f"{n} {size(s)}" for n, s in sizes.items()]
    words[0] += " in 4 files"
    words[2] += f" (newest generation{' and its sealed history' if is_sealed else ''})"
    check = of(place(layout, archive), "space")
    assert (check.status, check.seen) == ("ok", ", ".join(words))
    check = of(place(layout, archive), "per million")
    assert (check.status, check.seen) == (
        "ok", "a million task instances take: "
        + ", ".join(f"{n} {size(s * 100)}" for n, s in sizes.items())
        + " (10,000 are published)")


def test_few_instances_say_nothing_of_a_million(archive: Archive, layout: Layout) -> None:
    build(layout, 9_999)
    publish(layout)
    assert "per million" not in [c.name for c in kept.examine(place(layout, archive))]


def test_the_mart_that_is_counted_is_one() -> None:
    assert list(MODELS.glob(f"marts/**/{kept._MART}.sql"))


def test_an_archive_that_is_too_large_to_count(
    archive: Archive, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(archive, 1, 1, 2)
    build(layout, 10_000)
    publish(layout)
    monkeypatch.setattr(kept, "BOUNDS", Bounds(file_count=5))
    where = place(layout, archive)
    assert of(where, "space").seen.startswith("archive more than ")
    assert "in more than 5 files, build file" in of(where, "space").seen
    assert "archive" not in of(where, "per million").seen
    assert "; at least 4 small files" in of(where, "compaction").seen


def test_a_snapshot_that_cannot_be_opened_is_left_out(archive: Archive, layout: Layout) -> None:
    build(layout, 10)
    publish(layout)
    newest = layout.newest_snapshot()
    assert newest is not None
    newest.write_bytes(b"no database")
    assert "published" not in of(place(layout, archive), "space").seen
    newest.unlink()
    check = of(place(layout, archive), "space")
    assert check.status == "ok"
    assert "build file" in check.seen
