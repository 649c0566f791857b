"""The warehouse's landing tables, made again from the archive alone, whatever its root is."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from ingest import landing
from ingest.archive import Archive, manifest_path
from ingest.door import Reading, land, last_state
from ingest.landing import catch_up
from ingest.sources.airflow_db.steps import SOURCE
from ingest.sources.airflow_db.tables import TABLES
from tests.airflow_world import SqliteFile, World
from tests.airflow_world_landing import CLUSTER, Broken, Dump, Lab, assert_same, break_at, dump
from windsock import effects
from windsock.errors import ArchiveError

AT_ONCE = 50    # more loads than this are brought back set by set


@dataclass(frozen=True)
class Lived:
    """A warehouse with a past, kept as files."""

    root: Path
    count: int
    tables: Dump


def live(lab: Lab) -> None:
    """Something of everything: new rows, replaced images, tombstones, a row that comes back."""
    world = lab.world
    lab.poll()
    _, run_id = world.new_run("conf_run", tasks=2)
    for state in ("up_for_retry", None):
        world.start(next(i for i in world.instances() if i["run_id"] == run_id))
        world.import_error(f"Traceback: {state}")
        lab.poll()
        world.next_try(next(i for i in world.instances() if i["run_id"] == run_id), state)
        world.resize_pool(7 if state is None else 5)
        world.now += timedelta(minutes=5)
    world.import_error(None)
    world.delete_instance(world.instances()[0])
    world.delete_run(world.runs()[-1])
    lab.poll(reconcile="all")
    world.import_error("Traceback: again")
    lab.poll()


def resize_often(lab: Lab, times: int) -> None:
    """Many small loads: the default pool changes, and in the end is what the source says."""
    door = landing.open_door(lab.con, lab.archive, lab.layout,
                             landing.Cluster(CLUSTER, lab.url))
    table = TABLES["slot_pool"]
    names = ", ".join(f'"{n}"' for n in table.columns)
    row = lab.con.sql(f"select {names} from landing.airflow_db__slot_pool "
                      "where pool = 'default_pool'").to_arrow_table()
    place = row.column_names.index("slots")
    for turn in range(times, 0, -1):
        slots = row["slots"] if turn == 1 else pa.chunked_array([[100 + turn % 2]], pa.int64())
        state = last_state(lab.con, SOURCE, CLUSTER)
        land(door, Reading("increment", lab.world.now, {"slot_pool": row.set_column(
            place, "slots", slots)}, state=state))


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lived]:
    """One warehouse of few loads, one of many."""
    few, many = tmp_path_factory.mktemp("few"), tmp_path_factory.mktemp("many")
    made = {}
    with pytest.MonkeyPatch.context() as patches:
        database = SqliteFile.of_fixture("2.10.5", few / "airflow.db")
        lab = Lab(few / "var", World(database), database.url, patches)
        live(lab)
        made["few"] = Lived(few, len(lab.archive.manifests()), dump(lab.con))
        lab.con.close()
        shutil.copytree(few, many, dirs_exist_ok=True)
        lab = Lab(many / "var", lab.world, database.url, patches)
        resize_often(lab, AT_ONCE)
        lab.check_loads()
        made["many"] = Lived(many, len(lab.archive.manifests()), dump(lab.con))
        lab.con.close()
    return made


@contextmanager
def copied(lived: Lived, tmp_path: Path, patches: pytest.MonkeyPatch, *,
           in_memory: bool = False) -> Iterator[Lab]:
    """A copy of a warehouse whose build file is lost: a cache, no more."""
    shutil.copytree(lived.root, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "var" / "build")
    database = SqliteFile(tmp_path / "airflow.db")
    root = f"memory://{uuid.uuid4().hex}" if in_memory else None
    lab = Lab(tmp_path / "var", World(database), database.url, patches, archive=root)
    lab.world.now += timedelta(hours=1)
    if root is not None:
        folder = Archive(str(tmp_path / "var" / "archive"))
        for path in folder.paths():
            lab.archive.put(path, folder.get(path), name="test")
    try:
        yield lab
    finally:
        effects.observer = None
        lab.con.close()
        if root is not None:
            fsspec.filesystem("memory").rm(root, recursive=True)


def routes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the two routes are taken from now on."""
    taken: list[str] = []
    for name in ("apply_load", "rebuild"):
        def tell(*args: object, _name: str = name,
                 _original: object = getattr(landing, name)) -> None:
            taken.append(_name)
            assert callable(_original)
            _original(*args)

        monkeypatch.setattr(landing, name, tell)
    return taken


@pytest.mark.parametrize("in_memory", [False, True], ids=["folder", "memory"])
@pytest.mark.parametrize("name", ["few", "many"])
def test_a_lost_build_file_comes_back(lives: dict[str, Lived], tmp_path: Path, name: str,
                                      monkeypatch: pytest.MonkeyPatch, in_memory: bool) -> None:
    lived = lives[name]
    assert (lived.count > AT_ONCE) == (name == "many")
    for table in ("task_instance__replaced", "slot_pool__replaced", "import_error__replaced"):
        assert lived.tables[f"airflow_db__{table}"]
    with copied(lived, tmp_path, monkeypatch, in_memory=in_memory) as lab:
        taken = routes(monkeypatch)
        assert catch_up(lab.con, lab.archive, lab.layout) == lived.count
        assert taken == (["rebuild"] if name == "many" else ["apply_load"] * lived.count)
        assert_same(lived.tables, dump(lab.con))
        lab.check_rebuild()
        assert not [b for load in lab.poll() for b in load.batches]
        lab.check_against_source()
        lab.check_loads()


def test_a_build_file_from_yesterday_catches_up(lives: dict[str, Lived], tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    lived = lives["few"]
    with copied(lived, tmp_path, monkeypatch) as lab:
        held = lab.archive.manifests()[lived.count // 2:]
        texts = {manifest_path(m): m.to_json() for m in held}
        for path in texts:
            lab.archive.remove(path)
        catch_up(lab.con, lab.archive, lab.layout)
        for path, text in texts.items():
            lab.archive.put(path, text, name="test")
        assert catch_up(lab.con, lab.archive, lab.layout) == len(held)
        assert_same(lived.tables, dump(lab.con))


@pytest.mark.parametrize(("name", "in_memory"), [("few", True), ("many", False)],
                         ids=["one by one, memory", "set by set, folder"])
def test_a_damaged_or_missing_batch_is_told_and_nothing_is_kept(
        lives: dict[str, Lived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str,
        in_memory: bool) -> None:
    lived = lives[name]
    with copied(lived, tmp_path, monkeypatch, in_memory=in_memory) as lab:
        batch = next(b for m in lab.archive.manifests() for b in m.batches if b.table == "dag_run")
        whole = lab.archive.get(batch.path)
        middle = len(whole) // 2
        damaged = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:]
        lab.archive.put(batch.path, damaged, name="test")
        with pytest.raises(ArchiveError, match="checksum") as caught:
            catch_up(lab.con, lab.archive, lab.layout)
        assert batch.path in str(caught.value)
        lab.archive.remove(batch.path)
        with pytest.raises(ArchiveError, match="cannot be read from the archive") as caught:
            catch_up(lab.con, lab.archive, lab.layout)
        assert batch.path in str(caught.value)
        assert not lab.rows("select * from landing.loads")
        lab.archive.put(batch.path, whole, name="test")
        assert catch_up(lab.con, lab.archive, lab.layout) == lived.count
        assert_same(lived.tables, dump(lab.con))


def test_a_damaged_manifest_is_told(lives: dict[str, Lived], tmp_path: Path,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    lived = lives["few"]
    with copied(lived, tmp_path, monkeypatch) as lab:
        manifest = lab.archive.manifests()[-1]
        path = manifest_path(manifest)
        for damage in (b"", b"{", b"[]", b"7", b"\xff\xfe", b"{}", manifest.to_json()[:-3],
                       b'{"batches": [1], "quarantined": []}',
                       b'{"batches": [], "quarantined": []}'):
            lab.archive.put(path, damage, name="test")
            with pytest.raises(ArchiveError, match="manifest") as caught:
                catch_up(lab.con, lab.archive, lab.layout)
            assert path in str(caught.value)
        lab.archive.put(path, manifest.to_json(), name="test")
        assert catch_up(lab.con, lab.archive, lab.layout) == lived.count


def test_a_damaged_marker_of_a_killed_load_stops_nothing(lives: dict[str, Lived], tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    with copied(lives["few"], tmp_path, monkeypatch) as lab:
        marker = lab.layout.locks / "load.json"
        marker.write_bytes(b"{")
        catch_up(lab.con, lab.archive, lab.layout)
        assert not marker.exists()


def test_a_killed_load_is_found_though_our_clock_was_set_back(
        lives: dict[str, Lived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its manifest lies in a folder of an older day than the newest load's."""
    with copied(lives["few"], tmp_path, monkeypatch) as lab:
        catch_up(lab.con, lab.archive, lab.layout)
        lab.clock.at -= timedelta(days=10)
        lab.world.new_run("conf_run")

        def observe(name: str, _subject: str) -> None:
            if name == "landing.begin":
                raise Broken

        effects.observer = observe
        with pytest.raises(Broken):
            lab.poll()
        lab.reopen()
        lab.poll()
        lab.check_loads()
        lab.check_against_source()


@pytest.mark.parametrize("in_memory", [False, True], ids=["folder", "memory"])
def test_what_a_killed_landing_left_is_removed(
        lives: dict[str, Lived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        in_memory: bool) -> None:
    with copied(lives["few"], tmp_path, monkeypatch, in_memory=in_memory) as lab:
        catch_up(lab.con, lab.archive, lab.layout)
        for hit in (3, 8, 14):
            lab.world.new_run("conf_run")
            break_at(hit, Broken())
            with pytest.raises(Broken):
                lab.poll()
            (lab.layout.scratch / f"{uuid.uuid4().hex}.db").write_bytes(b"a copy, with secrets")
            lab.reopen()
            catch_up(lab.con, lab.archive, lab.layout)
            named = {b.path for m in lab.archive.manifests() for b in m.batches}
            named |= {manifest_path(m) for m in lab.archive.manifests()}
            assert set(lab.archive.paths()) == named
            assert not list(lab.layout.scratch.glob("*.db*"))
        lab.poll(reconcile="all")
        lab.check_against_source()


def test_two_clusters_share_one_sequence_of_loads(lives: dict[str, Lived], tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    with copied(lives["few"], tmp_path, monkeypatch) as lab:
        second = SqliteFile.of_fixture("3.1.8", tmp_path / "two.db")
        now = World(second).now.replace(tzinfo=UTC)
        other = landing.Cluster("other", second.url, as_of=now)
        [outcome] = landing.land_clusters(lab.con, lab.archive, lab.layout, [other])
        assert outcome.error is None
        lab.poll(reconcile="all")
        lab.check_against_source()
        lab.check_loads()
        lab.check_rebuild()


def test_a_copy_that_was_cut_short_is_not_taken_for_a_batch(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up while a remote batch is fetched."""
    archive = Archive(f"memory://{uuid.uuid4().hex}")
    archive.put("a/b.parquet", b"whole", name="test")

    def cut(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", cut)
        with pytest.raises(OSError, match="No space"):
            archive.local_path("a/b.parquet", tmp_path / "scratch")
    assert archive.local_path("a/b.parquet", tmp_path / "scratch").read_bytes() == b"whole"
