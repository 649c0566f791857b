"""The warehouse's landing tables, made again from the archive alone, whatever its root is."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import fsspec
import pytest

from ingest import landing
from ingest.archive import Archive, Manifest, manifest_path
from ingest.landing import catch_up
from ingest.sources.airflow_db.plan import Pace
from tests.airflow_world import SqliteFile, World
from tests.airflow_world_landing import Broken, Dump, Lab, assert_same, break_at, dump
from windsock import effects
from windsock.errors import ArchiveError

AT_ONCE = 50    # more loads than this are brought back set by set


@pytest.fixture(params=["folder", "memory"])
def lab(request: pytest.FixtureRequest, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A warehouse with some history, its archive in a folder or behind an fsspec URL."""
    database = SqliteFile.of_fixture("2.10.5", tmp_path / "airflow.db")
    url = f"memory://{uuid.uuid4().hex}/archive" if request.param == "memory" else None
    made = Lab(tmp_path / "var", World(database), database.url, monkeypatch, archive=url)
    yield made
    made.con.close()
    if url is not None:
        fsspec.filesystem("memory").rm(url, recursive=True)


def live(lab: Lab) -> None:
    """Something of everything: new rows, replaced images, tombstones, a row that comes back."""
    world = lab.world
    lab.poll()
    _, run_id = world.new_run("conf_run", tasks=2)
    lab.poll()
    for state in ("up_for_retry", None):
        instance = next(i for i in world.instances() if i["run_id"] == run_id)
        world.start(instance)
        lab.poll()
        world.next_try(next(i for i in world.instances() if i["run_id"] == run_id), state)
        world.resize_pool(7 if state is None else 5)
        world.import_error(f"Traceback: {state}")
        world.now += timedelta(minutes=5)
        lab.poll()
    world.import_error(None)
    world.delete_instance(world.instances()[0])
    world.delete_run(world.runs()[-1])
    lab.poll(reconcile="all")
    world.import_error("Traceback: again")
    lab.poll()


def forget_build(lab: Lab) -> None:
    """The build file is lost; a cache, no more."""
    lab.con.close()
    for path in lab.layout.build_file.parent.iterdir():
        path.unlink()
    lab.reopen()


def routes(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the two routes are taken from now on."""
    taken: list[str] = []
    for name in ("apply_load", "rebuild"):
        original = getattr(landing, name)

        def tell(*args: object, _name: str = name, _original: object = original) -> None:
            taken.append(_name)
            assert callable(_original)
            _original(*args)

        monkeypatch.setattr(landing, name, tell)
    return taken


def test_few_loads_come_back_one_by_one(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    live(lab)
    before = dump(lab.con)
    count = len(lab.archive.manifests())
    assert sum(before["airflow_db__task_instance__replaced"].values()) >= 2
    assert count <= AT_ONCE
    forget_build(lab)
    taken = routes(lab, monkeypatch)
    assert catch_up(lab.con, lab.archive, lab.layout) == count
    assert taken == ["apply_load"] * count
    assert_same(before, dump(lab.con))
    assert not [b for load in lab.poll() for b in load.batches]


def test_many_loads_come_back_set_by_set(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.pace = Pace(page_runs=1)
    live(lab)
    before = dump(lab.con)
    count = len(lab.archive.manifests())
    assert count > AT_ONCE
    forget_build(lab)
    taken = routes(lab, monkeypatch)
    assert catch_up(lab.con, lab.archive, lab.layout) == count
    assert taken == ["rebuild"]
    assert_same(before, dump(lab.con))
    lab.check_rebuild()
    assert not [b for load in lab.poll() for b in load.batches]


def test_a_build_file_from_yesterday_catches_up(lab: Lab) -> None:
    lab.poll()
    lab.con.close()
    old = lab.layout.build_file.read_bytes()
    lab.reopen()
    live(lab)
    before = dump(lab.con)
    lab.con.close()
    lab.layout.build_file.write_bytes(old)
    lab.reopen()
    catch_up(lab.con, lab.archive, lab.layout)
    assert_same(before, dump(lab.con))


@pytest.mark.parametrize("pages", [7, 1], ids=["one by one", "set by set"])
def test_a_damaged_batch_is_told_and_nothing_is_kept(lab: Lab, pages: int) -> None:
    lab.pace = Pace(page_runs=pages)
    live(lab)
    batch = next(b for m in lab.archive.manifests() for b in m.batches if b.table == "dag_run")
    whole = lab.archive.get(batch.path)
    middle = len(whole) // 2
    lab.archive.put(batch.path, whole[:middle] + b"\x00\xff" + whole[middle + 2:], name="test")
    forget_build(lab)
    with pytest.raises(ArchiveError, match="checksum") as caught:
        catch_up(lab.con, lab.archive, lab.layout)
    assert batch.path in str(caught.value)
    lab.archive.put(batch.path, whole, name="test")
    catch_up(lab.con, lab.archive, lab.layout)
    lab.check_loads()
    lab.check_rebuild()


@pytest.mark.parametrize("pages", [7, 1], ids=["one by one", "set by set"])
def test_a_missing_batch_is_told(lab: Lab, pages: int) -> None:
    lab.pace = Pace(page_runs=pages)
    live(lab)
    batch = next(b for m in lab.archive.manifests() for b in m.batches if b.table == "dag_run")
    whole = lab.archive.get(batch.path)
    lab.archive.remove(batch.path)
    forget_build(lab)
    with pytest.raises(ArchiveError, match="cannot be read from the archive") as caught:
        catch_up(lab.con, lab.archive, lab.layout)
    assert batch.path in str(caught.value)
    lab.archive.put(batch.path, whole, name="test")
    catch_up(lab.con, lab.archive, lab.layout)
    lab.check_loads()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"batches": [1], "quarantined": []}',
                                    b"\xff\xfe", b'{"batches": [], "quarantined": []}'])
def test_a_damaged_manifest_is_told(lab: Lab, damage: bytes) -> None:
    lab.poll(slices=0)
    manifest = lab.archive.manifests()[-1]
    path = manifest_path(manifest)
    lab.archive.put(path, damage, name="test")
    forget_build(lab)
    with pytest.raises(ArchiveError, match="manifest") as caught:
        catch_up(lab.con, lab.archive, lab.layout)
    assert path in str(caught.value)
    lab.archive.put(path, manifest.to_json(), name="test")
    catch_up(lab.con, lab.archive, lab.layout)
    lab.check_loads()


def test_a_damaged_marker_of_a_killed_load_stops_nothing(lab: Lab) -> None:
    lab.poll(slices=0)
    lab.layout.locks.mkdir(exist_ok=True)
    (lab.layout.locks / "load.json").write_bytes(b"{")
    lab.poll()
    lab.check_against_source()


def test_a_load_killed_before_its_transaction_is_found_though_our_clock_was_set_back(
        lab: Lab) -> None:
    lab.poll()
    lab.clock.at -= timedelta(days=10)
    lab.world.new_run("conf_run")
    names: list[str] = []

    def observe(name: str, _subject: str) -> None:
        names.append(name)
        if name == "landing.begin":
            raise Broken

    effects.observer = observe
    with pytest.raises(Broken):
        lab.poll()
    lab.reopen()
    lab.poll()
    lab.check_loads()
    lab.check_against_source()


def test_what_a_killed_landing_left_is_removed(lab: Lab) -> None:
    lab.poll()
    lab.world.new_run("conf_run")
    before = lab.archive.paths()
    for hit in range(1, 40):
        break_at(hit, Broken())
        try:
            lab.poll()
        except Broken:
            lab.reopen()
        else:
            break
        finally:
            effects.observer = None
        catch_up(lab.con, lab.archive, lab.layout)
        named = {b.path for m in lab.archive.manifests() for b in m.batches}
        named |= {manifest_path(m) for m in lab.archive.manifests()}
        assert set(lab.archive.paths()) == named
        assert not list(lab.layout.scratch.glob("*.db*"))
    assert len(lab.archive.paths()) > len(before)


def test_two_clusters_share_one_sequence_of_loads(tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    first = SqliteFile.of_fixture("2.10.5", tmp_path / "one.db")
    second = SqliteFile.of_fixture("3.1.8", tmp_path / "two.db")
    world = World(first)
    lab = Lab(tmp_path / "var", world, first.url, monkeypatch)
    lab.poll()
    other = landing.Cluster("other", second.url, as_of=world.now.astimezone())
    [outcome] = landing.land_clusters(lab.con, lab.archive, lab.layout, [other])
    assert outcome.error is None
    lab.poll(reconcile="all")
    lab.check_against_source()
    lab.check_loads()
    lab.check_rebuild()


def test_a_copy_that_was_cut_short_is_not_taken_for_a_batch(tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch,
                                                            ) -> None:
    """A disk that fills up while a remote batch is fetched."""
    archive = Archive(f"memory://{uuid.uuid4().hex}")
    archive.put("a/b.parquet", b"whole", name="test")
    with monkeypatch.context() as patch:
        def cut(path: Path, data: bytes) -> int:
            with path.open("wb") as file:
                file.write(data[:2])
            raise OSError(28, "No space left on device")

        patch.setattr(Path, "write_bytes", cut)
        with pytest.raises(OSError, match="No space"):
            archive.local_path("a/b.parquet", tmp_path / "scratch")
    assert archive.local_path("a/b.parquet", tmp_path / "scratch").read_bytes() == b"whole"


def of_older_windsock(dumped: Dump) -> Dump:
    """Without what the rewritten manifests changed: sizes and checksums."""
    return {n: rows for n, rows in dumped.items() if n != "batches"}


def manifests_of(lab: Lab) -> list[Manifest]:
    return lab.archive.manifests()
