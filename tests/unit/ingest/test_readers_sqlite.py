"""The reader of SQLite files: consistent, polite to Airflow, and clear when it cannot read."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sources.airflow_db.readers import Reader, ReadLimits, open_reader, sqlite_copy
from windsock.errors import (
    ConfigError,
    NotAirflowError,
    SourceBusyError,
    SourceCorruptError,
    SourceError,
    SourceMigratingError,
    SourceUnreachableError,
)

STRING, INTEGER, FLOAT = pa.string(), pa.int64(), pa.float64()
INSTANT = pa.timestamp("us", tz="UTC")
NOW = datetime(2026, 11, 22, 6, 41, 5, tzinfo=UTC)
QUICK = ReadLimits(busy_seconds=0.3)
NUMBERS = pa.schema([("n", INTEGER)])


def numbers(reader: Reader) -> list[int]:
    return [n for b in reader.stream("select n from t order by n", NUMBERS)
            for n in b.column("n").to_pylist()]  # fmt: skip


@contextmanager
def reading(path: Path, limits: ReadLimits | None = None) -> Iterator[Reader]:
    scratch = path.parent / "scratch"
    url = f"sqlite:///{path}"
    with open_reader(url, limits=limits, scratch=scratch, now=lambda: NOW) as reader:
        yield reader
    assert list(scratch.iterdir()) == []


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "airflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table t (n INTEGER, name VARCHAR(250), at TIMESTAMP)")
        database.executemany(
            "insert into t values (?, ?, '2026-11-22 06:41:03.000000')",
            [(n, f"dag_{n}") for n in range(1000)],
        )
        database.commit()
    return path


def test_what_a_reader_says_of_its_source(live: Path) -> None:
    with reading(live) as reader:
        assert reader.dialect == "sqlite"
        assert reader.clock() == NOW
        assert reader.replication_lag_seconds() is None
        assert reader.columns() == {
            "t": {"n": "integer", "name": "varchar(250)", "at": "timestamp"}
        }
        assert reader.row_estimate("t") == 1000
        assert reader.row_estimate("nope") is None
        assert reader.database_size_bytes() == live.stat().st_size
        assert reader.quote('a"b') == '"a""b"'
        assert reader.rows("select n, name from t where n = 7") == [(7, "dag_7")]


def test_batches_have_the_schemas_columns_in_its_order(live: Path) -> None:
    wanted = pa.schema([("at", INSTANT), ("n", FLOAT), ("name", STRING)])
    with reading(live) as reader:
        batches = list(reader.stream("select * from t order by n", wanted, batch_rows=300))
    assert [batch.schema for batch in batches] == [wanted] * len(batches)
    assert max(batch.num_rows for batch in batches) <= 300
    table = pa.Table.from_batches(batches)
    assert table.column("n").to_pylist() == [float(n) for n in range(1000)]
    assert set(table.column("at").to_pylist()) == {datetime(2026, 11, 22, 6, 41, 3, tzinfo=UTC)}


def test_a_column_with_a_misfit_arrives_as_text_in_its_batch_only(live: Path) -> None:
    with closing(sqlite3.connect(live)) as database:
        database.execute("update t set n = 'many' where n = 999")
        database.commit()
    with reading(live) as reader:
        batches = list(reader.stream("select n from t order by rowid", NUMBERS))
    assert [str(b.schema.field("n").type) for b in batches][-1] == "string"
    assert batches[-1].column("n").to_pylist()[-1] == "many"
    assert sum(b.num_rows for b in batches) == 1000


CELL = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False),
                 st.text(st.characters(exclude_categories=["Cs"])), st.binary())  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None,
          max_examples=40)  # fmt: skip
@given(rows=st.lists(st.tuples(CELL, CELL), max_size=30))
def test_hostile_values_arrive_as_the_standard_library_reads_them(
    tmp_path: Path, rows: list[tuple[object, object]]
) -> None:
    path = tmp_path / "hostile.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table t (a TEXT, b BLOB)")
        database.executemany("insert into t values (?, ?)", rows)
        database.commit()
        plain = database.execute("select cast(a as blob), cast(b as blob) from t").fetchall()
    wanted = pa.schema([("a", STRING)])
    with reading(path) as reader:
        found = [v for b in reader.stream("select a from t", wanted)
                 for v in b.column(0).to_pylist()]  # fmt: skip
    for (text, _), (value, _), arrived in zip(plain, rows, found, strict=True):
        if value is None or isinstance(value, str | bytes):
            expected = None if text is None else text.decode("utf-8", "replace")
            assert arrived == (expected and expected.replace("\0", "�"))
        else:  # TEXT affinity made a text of the number
            assert arrived == text.decode()


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_writers_commit_between_two_streams_is_unseen(live: Path, mode: str) -> None:
    with closing(sqlite3.connect(live)) as writer:
        writer.execute(f"pragma journal_mode = {mode}")
        with reading(live) as reader:
            before = numbers(reader)
            writer.execute("insert into t (n) values (5000)")
            writer.execute("delete from t where n < 10")
            writer.commit()
            assert numbers(reader) == before == list(range(1000))
        with reading(live) as reader:
            assert numbers(reader) == [*range(10, 1000), 5000]


def test_what_is_only_in_the_wal_is_read(live: Path) -> None:
    with closing(sqlite3.connect(live)) as writer:
        writer.execute("pragma journal_mode = wal")
        writer.execute("pragma wal_autocheckpoint = 0")
        writer.execute("insert into t (n) values (5000)")
        writer.commit()
        with reading(live) as reader:
            assert numbers(reader)[-1] == 5000
        # files copied elsewhere by somebody, without the shared memory
        copied = live.with_name("copied.db")
        shutil.copyfile(live, copied)
        shutil.copyfile(f"{live}-wal", f"{copied}-wal")
    before = sorted(p.name for p in live.parent.iterdir() if p.is_file())
    with reading(copied) as reader:
        assert numbers(reader)[-1] == 5000
    assert sorted(p.name for p in live.parent.iterdir() if p.is_file()) == before


def test_a_journal_of_a_killed_writer_is_rolled_back_in_the_copy_only(tmp_path: Path) -> None:
    path = tmp_path / "airflow.db"
    script = (
        "import os, sqlite3, sys\n"
        "d = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "d.execute('create table t (n)')\n"
        "rows = [(n,) for n in range(90000)]\n"
        "d.execute('begin'); d.executemany('insert into t values (?)', rows[:1000])\n"
        "d.execute('commit'); d.execute('pragma cache_size = 1'); d.execute('begin')\n"
        "d.execute('update t set n = -1'); d.executemany('insert into t values (?)', rows)\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    journal = path.with_name("airflow.db-journal")
    assert journal.exists()
    content = path.read_bytes()
    with reading(path) as reader:
        assert numbers(reader) == list(range(1000))
    assert journal.exists()
    assert path.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="Unix permissions")
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_read_only_file_in_a_read_only_folder(live: Path, mode: str) -> None:
    with closing(sqlite3.connect(live)) as database:
        database.execute(f"pragma journal_mode = {mode}")
    folder = live.parent / "locked"
    folder.mkdir()
    target = folder / "airflow.db"
    shutil.copyfile(live, target)
    target.chmod(0o444)
    folder.chmod(0o555)
    try:
        scratch = live.parent / "scratch"
        with open_reader(f"sqlite:///{target}", scratch=scratch) as reader:
            assert len(numbers(reader)) == 1000
        assert [p.name for p in folder.iterdir()] == ["airflow.db"]
    finally:
        folder.chmod(0o755)


def test_a_busy_writer_is_neither_blocked_nor_able_to_starve_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "busy.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table t (n INTEGER, filler TEXT)")
        database.executemany("insert into t values (?, ?)", [(n, "x" * 3000) for n in range(4000)])
        database.execute("create table pairs (a INTEGER, b INTEGER)")
        database.execute("insert into pairs values (0, 0)")
        database.commit()
    monkeypatch.setattr(sqlite_copy, "STEP_PAGES", 64)
    script = (
        "import sqlite3, sys\n"
        "with open(sys.argv[2], 'w') as ready:\n"
        "    writer = sqlite3.connect(sys.argv[1], timeout=5)\n"
        "    ready.write('x'); ready.flush()\n"
        "    while True:\n"
        "        writer.execute('update pairs set a = a + 1, b = b + 1'); writer.commit()\n"
    )
    ready = tmp_path / "ready"
    writer = subprocess.Popen([sys.executable, "-c", script, str(path), str(ready)])
    try:
        while not (ready.exists() and ready.stat().st_size):
            assert writer.poll() is None
        for _ in range(3):
            with reading(path) as reader:
                assert len(numbers(reader)) == 4000
                ((a, b),) = reader.rows("select a, b from pairs")
                assert a == b
        assert writer.poll() is None  # "database is locked" would have ended it
    finally:
        writer.kill()
        writer.wait()


def test_a_locked_file_is_busy(live: Path) -> None:
    with closing(sqlite3.connect(live, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(SourceBusyError, match="locked"), reading(live, QUICK):
            pass


def test_an_alter_between_list_and_stream_is_a_migration(live: Path) -> None:
    wanted = pa.schema([("n", INTEGER), ("gone", STRING)])
    with reading(live) as reader:
        with pytest.raises(SourceMigratingError, match="gone"):
            list(reader.stream("select * from t", wanted))
        with pytest.raises(SourceMigratingError, match="no such table"):
            list(reader.stream("select n from nope", NUMBERS))
        with pytest.raises(SourceError, match="syntax"):
            reader.rows("selec 1")


def test_what_is_no_database(tmp_path: Path, live: Path) -> None:
    def opening(path: Path) -> None:
        with reading(path):
            pass

    with pytest.raises(SourceUnreachableError, match="no such file"):
        opening(tmp_path / "missing.db")
    with pytest.raises(SourceUnreachableError, match="directory"):
        opening(tmp_path)
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(NotAirflowError, match="empty"):
        opening(empty)
    text = tmp_path / "text.db"
    text.write_text("not a database " * 100)
    with pytest.raises(SourceCorruptError, match="does not begin like"):
        opening(text)


@pytest.mark.parametrize("kept", [17, 99, 100, 512, 4096, 5000, 20_000])
def test_a_truncated_file_is_corrupt(live: Path, kept: int) -> None:
    live.write_bytes(live.read_bytes()[:kept])
    with pytest.raises(SourceCorruptError), reading(live) as reader:
        numbers(reader)


def test_garbage_inside_is_corrupt(live: Path) -> None:
    content = bytearray(live.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    live.write_bytes(bytes(content))
    with pytest.raises(SourceCorruptError), reading(live) as reader:
        numbers(reader)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "oracle://u:pw@h/d", "nonsense",
                                 "postgresql://u:s3c/ret@h:5x/d"])  # fmt: skip
def test_urls_that_name_no_source(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught, open_reader(url, scratch=tmp_path):
        pass
    assert "s3c" not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_a_closed_reader_says_so(live: Path) -> None:
    with reading(live) as reader:
        pass
    with pytest.raises(SourceError, match="closed"):
        reader.rows("select 1")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_stays_bounded(tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table t (n INTEGER, data TEXT)")
        database.execute(
            "insert into t with recursive s(n) as (select 1 union all select n + 1 from s"
            " where n < 600) select n, hex(zeroblob(500000)) from s"
        )  # 600 rows of a megabyte
        database.commit()
    script = (
        "import re, sys; from pathlib import Path; import pyarrow as pa\n"
        "from ingest.sources.airflow_db.readers import open_reader\n"
        "schema = pa.schema([('n', pa.int64()), ('data', pa.string())])\n"
        "with open_reader(f'sqlite:///{sys.argv[1]}', scratch=Path(sys.argv[2])) as reader:\n"
        "    n = sum(b.num_rows for b in reader.stream('select n, data from t', schema))\n"
        "assert n == 600, n\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]\n"
        "sys.stdout.write(str(int(peak) // 1024))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path), str(tmp_path)],
                          capture_output=True, check=True)  # fmt: skip
    assert int(done.stdout) < 300
