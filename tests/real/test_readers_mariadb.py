"""The reader of MySQL and MariaDB, against a real MariaDB (`apt-get install mariadb-server`)."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from ingest.sources.airflow_db.readers import Reader, ReadLimits, open_reader
from tests.databases import PASSWORD, USER, Server, free_port, mariadb, mariadb_installed
from windsock.errors import (
    ConfigError,
    SourceAccessError,
    SourceBusyError,
    SourceError,
    SourceUnreachableError,
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not mariadb_installed(), reason="needs apt-get install mariadb-server"),
]

STRING, INTEGER, FLOAT, BOOLEAN = pa.string(), pa.int64(), pa.float64(), pa.bool_()
INSTANT = pa.timestamp("us", tz="UTC")
NUMBERS = pa.schema([("n", INTEGER)])
NOWHERE = Path("never-used")
MANY = "select seq as n, repeat('x', 100) as data from seq_1_to_3000000"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with mariadb("--max-allowed-packet=64M") as running:
        running.execute(
            "create table t (n int, name varchar(250));"
            "insert into t select seq - 1, concat('dag_', seq - 1) from seq_1_to_1000;"
            "analyze table t; create view v as select 1 as n"
        )
        yield running


@contextmanager
def reading(server: Server, limits: ReadLimits | None = None) -> Iterator[Reader]:
    with open_reader(server.url(), limits=limits, scratch=NOWHERE) as reader:
        yield reader


def administrator(server: Server) -> "pymysql.Connection[Any]":
    return pymysql.connect(
        user="root", unix_socket=str(server.socket), database="airflow", charset="utf8mb4",
        autocommit=True,
    )  # fmt: skip


def values(reader: Reader, sql: str, wanted: pa.Schema) -> list[list[object]]:
    columns: list[list[object]] = [[] for _ in wanted]
    for batch in reader.stream(sql, wanted):
        assert batch.schema == wanted
        for held, column in zip(columns, batch.columns, strict=True):
            held.extend(column.to_pylist())
    return columns


def failing(reader: Reader, sql: str, wanted: pa.Schema = NUMBERS) -> str:
    with pytest.raises(SourceError) as caught:
        list(reader.stream(sql, wanted))
    assert PASSWORD not in str(caught.value)
    return type(caught.value).__name__


def test_what_a_reader_says_of_its_source(server: Server) -> None:
    before = datetime.now(tz=UTC)
    with reading(server) as reader:
        assert reader.dialect == "mysql"
        assert abs(reader.clock() - before) < timedelta(seconds=30)
        assert reader.clock().utcoffset() == timedelta()
        assert reader.replication_lag_seconds() is None
        assert reader.columns()["t"] == {"n": "int(11)", "name": "varchar(250)"}
        assert "v" not in reader.columns()
        assert reader.row_estimate("t") == 1000
        assert reader.row_estimate("it's") is None
        assert (reader.database_size_bytes() or 0) > 0
        assert reader.quote("a`b") == "`a``b`"
        assert reader.rows("select @@tx_isolation, @@time_zone") == [("REPEATABLE-READ", "+00:00")]


@pytest.mark.parametrize("driver", ["mysql", "mysql+pymysql", "mysql+mysqldb", "mariadb",
                                    "mysql+mysqlconnector", "mariadb+pymysql"])  # fmt: skip
def test_urls_of_every_driver(server: Server, driver: str) -> None:
    url = server.url().replace("mysql", driver, 1) + "?charset=utf8mb4"
    with open_reader(url, scratch=NOWHERE) as reader:
        assert reader.rows("select 1") == [(1,)]
    with open_reader(server.socket_url(), scratch=NOWHERE) as reader:
        assert values(reader, "select n from t order by n", NUMBERS) == [list(range(1000))]


def test_every_type_as_asked(server: Server) -> None:
    server.execute(
        "create table kinds (small smallint, big bigint, exact decimal(30, 10), rough double,"
        " flag tinyint(1), single_bit bit(1), at timestamp(6) null, naive datetime, day date,"
        " doc json, feeling enum('sad', 'ok'), raw blob, name varchar(9), digits text);"
        "set time_zone = '+02:00';"
        "insert into kinds values (1, 9223372036854775807, 3.5, 4.5, 1, 1,"
        " '2026-01-01 00:00:00.123456', '2026-01-01 00:00:00', '2026-01-01', '{\"a\":  1}', 'ok',"
        " x'00ff', 'ünï🌊', '12'), (null, null, null, null, null, null, null, null, null, null,"
        " null, null, null, null)"
    )
    wanted = pa.schema([
        ("name", STRING), ("small", INTEGER), ("big", INTEGER), ("exact", FLOAT),
        ("rough", FLOAT), ("flag", BOOLEAN), ("single_bit", BOOLEAN), ("at", INSTANT),
        ("naive", INSTANT), ("day", INSTANT), ("doc", STRING), ("feeling", STRING),
        ("raw", pa.binary()), ("digits", INTEGER),
    ])  # fmt: skip
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    expected = ["ünï🌊", 1, 2**63 - 1, 3.5, 4.5, True, True,
                datetime(2025, 12, 31, 22, 0, 0, 123456, tzinfo=UTC), midnight, midnight,
                '{"a":  1}', "ok", b"\x00\xff", 12]  # fmt: skip
    with reading(server) as reader:
        found = values(reader, "select * from kinds", wanted)
        assert found == [[value, None] for value in expected]
        exact = values(reader, "select exact from kinds", pa.schema([("exact", STRING)]))
        assert exact == [["3.5000000000", None]]


@pytest.mark.parametrize(
    ("literal", "wanted", "arrived"),
    [
        ("cast('0000-00-00 00:00:00' as datetime)", INSTANT, "0000-00-00 00:00:00"),
        ("'many'", INTEGER, "many"),
        ("1.5", INTEGER, "1.5"),
        ("'0x10'", INTEGER, "0x10"),
        ("2", BOOLEAN, "2"),
        ("x'61ff00'", INSTANT, "a��"),
        ("18446744073709551615", INTEGER, "18446744073709551615"),
    ],
)
def test_what_does_not_fit_arrives_as_text(
    server: Server, literal: str, wanted: pa.DataType, arrived: str
) -> None:
    with reading(server) as reader:
        (batch,) = reader.stream(f"select {literal} as a", pa.schema([("a", wanted)]))
    assert batch.schema.field("a").type == STRING
    assert batch.column("a").to_pylist() == [arrived]


def test_latin1_arrives_as_utf8(server: Server) -> None:
    server.execute(
        "create table old (a varchar(20)) character set latin1; insert into old values ('é€ß')"
    )
    with reading(server) as reader:
        assert values(reader, "select a from old", pa.schema([("a", STRING)])) == [["é€ß"]]


HOSTILE = st.tuples(
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["", "\\", "\\N", '"', "'", "a,b", "\n\r\t", "\x1a", "NULL", "🌊" * 300]),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
    st.none() | st.datetimes(datetime.fromisoformat("0001-01-02"),
                           datetime.fromisoformat("9999-12-30")),
    st.none() | st.binary(),
    st.none() | st.decimals(-(10**30), 10**30, places=8),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None,
          max_examples=50)  # fmt: skip
@given(rows=st.lists(HOSTILE, min_size=1, max_size=30))
def test_hostile_values_arrive_as_sqlalchemy_reads_them(
    server: Server, rows: list[tuple[Any, ...]]
) -> None:
    with closing(administrator(server)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create or replace table hostile (i int auto_increment primary key, a longtext,"
            " b bigint, c double, d datetime(6), e longblob, f decimal(60, 8))"
        )
        cursor.executemany(
            "insert into hostile (a, b, c, d, e, f) values (%s, %s, %s, %s, %s, %s)", rows
        )
    engine = create_engine(server.url().replace("mysql", "mysql+pymysql", 1))
    with engine.connect() as second_route:
        sql = "select a, b, c, d, e, f from hostile order by i"
        plain: list[Any] = list(second_route.execute(text(sql)))
    engine.dispose()
    wanted = pa.schema([("a", STRING), ("b", INTEGER), ("c", FLOAT), ("d", INSTANT),
                        ("e", pa.binary()), ("f", STRING)])  # fmt: skip
    with reading(server) as reader:
        found = values(reader, "select * from hostile order by i", wanted)
    expected = [  # columns: text, bigint, double, datetime, blob, decimal
        (a and a.replace("\0", "�"), b, c, d and d.replace(tzinfo=UTC), e,
         None if f is None else f"{f:f}")
        for a, b, c, d, e, f in plain
    ]  # fmt: skip
    assert list(zip(*found, strict=True)) == expected


def test_rows_larger_than_a_packet(server: Server) -> None:
    sizes = (16_777_200, 16_777_210, 16_777_211, 16_777_215, 20_000_000)
    sql = " union all ".join(f"select {n} as n, repeat('ab', {n} / 2) as data" for n in sizes)
    with reading(server) as reader:
        wanted = pa.schema([("n", INTEGER), ("data", STRING)])
        for batch in reader.stream(sql, wanted):
            for n, data in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                assert data == "ab" * -(-n // 2)  # MariaDB rounds the half


def test_a_writers_commit_between_two_streams_is_unseen(server: Server) -> None:
    server.execute("create table moving as select seq as n from seq_1_to_100")
    with reading(server) as reader:
        before = values(reader, "select n from moving order by n", NUMBERS)
        server.execute("insert into moving values (1000); delete from moving where n < 50")
        assert failing(reader, "select n from nope") == "SourceMigratingError"
        assert values(reader, "select n from moving order by n", NUMBERS) == before
    with reading(server) as reader:
        assert reader.rows("select count(*) from moving") == [(52,)]


def test_nothing_can_be_written(server: Server) -> None:
    url = f"mysql://root@/airflow?unix_socket={server.socket}"
    with (
        open_reader(url, scratch=NOWHERE) as reader,
        pytest.raises(SourceError, match="READ ONLY"),
    ):
        reader.rows("delete from t")


def test_a_table_altered_during_the_read_is_a_migration(server: Server) -> None:
    server.execute("create table altered as select seq as n from seq_1_to_100")
    with reading(server) as reader:
        server.execute("alter table altered modify n bigint, algorithm=copy")
        assert failing(reader, "select n from altered") == "SourceMigratingError"
    with reading(server) as reader:
        wanted = pa.schema([("n", INTEGER), ("gone", STRING)])
        assert failing(reader, "select * from altered", wanted) == "SourceMigratingError"
        assert failing(reader, "select gone from altered") == "SourceMigratingError"


def test_a_lock_of_ddl_is_a_migration(server: Server) -> None:
    server.execute("create table locked (n int)")
    with closing(administrator(server)) as holder, holder.cursor() as cursor:
        cursor.execute("lock table locked write")
        with reading(server, ReadLimits(busy_seconds=1)) as reader:
            assert failing(reader, "select n from locked") == "SourceMigratingError"


def test_failures_have_their_class_and_no_password(server: Server) -> None:
    server.execute("create user poor@'%' identified by 'poor-secret-1';"
                   "grant select (n) on airflow.t to poor@'%'")  # fmt: skip
    cases = [
        (server.url(password="wrong-secret-2"), SourceAccessError),
        (server.url("nope"), SourceAccessError),
        (server.url(host="host.invalid"), SourceUnreachableError),
        (server.url().replace(f":{server.port}/", f":{free_port()}/"), SourceUnreachableError),
        (server.socket_url().replace("m.sock", "x.sock"), SourceUnreachableError),
        (server.url() + "?ssl_mode=REQUIRED", SourceUnreachableError),
        (server.url() + "?ssl_mode=perhaps", ConfigError),
        (server.url() + "?sslmode=require", ConfigError),
    ]
    for url, kind in cases:
        with pytest.raises(kind) as caught, open_reader(url, scratch=NOWHERE):
            pass
        for secret in ("wrong-secret-2", PASSWORD, "s3cr3t"):
            assert secret not in f"{caught.value}{caught.value!r}{caught.value.__context__}"
    poor = server.url(user="poor", password="poor-secret-1")
    with open_reader(poor, scratch=NOWHERE) as reader:
        assert failing(reader, "select name from t") == "SourceAccessError"
        assert reader.replication_lag_seconds() is None


def test_a_password_beyond_latin1(server: Server) -> None:
    server.execute("create user wide@'%' identified by 'påss🌊ω'; grant select on airflow.*"
                   " to wide@'%'")  # fmt: skip
    with open_reader(server.url(user="wide", password="påss🌊ω"), scratch=NOWHERE) as reader:
        assert reader.rows("select 1") == [(1,)]


def test_a_slow_statement_is_busy(server: Server) -> None:
    with reading(server, ReadLimits(statement_seconds=1)) as reader:
        slow = "select count(*) as n from seq_1_to_100000 a, seq_1_to_100000 b"
        with pytest.raises(SourceBusyError, match="max_statement_time"):
            reader.rows(slow)
        assert failing(reader, slow) == "SourceBusyError"


def test_a_connection_lost_in_mid_stream(server: Server) -> None:
    with reading(server) as reader:
        stream = reader.stream(MANY, NUMBERS)
        next(stream)
        ((session,),) = sessions(server)
        server.execute(f"kill {session}")
        with pytest.raises(SourceUnreachableError):
            list(stream)
        with pytest.raises(SourceUnreachableError):
            reader.rows("select 1")


def sessions(server: Server) -> list[tuple[int]]:
    found = server.execute(
        f"select id from information_schema.processlist where user = '{USER}'", "mysql"
    )
    return [(int(line),) for line in found.split()]


def test_an_abandoned_stream_leaves_the_reader_usable(server: Server) -> None:
    server.execute("create table kept as select seq as n from seq_1_to_100")
    with reading(server) as reader:
        stream = reader.stream("select seq as n from seq_1_to_300000000", NUMBERS, batch_rows=1000)
        assert next(stream).num_rows <= 1000
        with pytest.raises(SourceError, match="still open"):
            reader.rows("select 1")
        server.execute("insert into kept values (1000)")
        started = time.process_time()
        stream.close()
        assert time.process_time() - started < 5  # reading the rest takes minutes
        assert reader.rows("select count(*) from kept") == [(100,)]  # the snapshot is still ours


def test_two_connections_at_most_and_none_after(server: Server) -> None:
    seen: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(len(sessions(server)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with reading(server) as reader:
            for _ in range(5):
                stream = reader.stream(MANY, NUMBERS)
                next(stream)
                stream.close()
    finally:
        stop.set()
        watcher.join()
    assert 1 <= max(seen) <= 2
    for _ in range(100):
        if not sessions(server):
            return
        time.sleep(0.05)
    pytest.fail("the connection stays open")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_stays_bounded(server: Server) -> None:
    script = (
        "import re, sys; from pathlib import Path; import pyarrow as pa\n"
        "from ingest.sources.airflow_db.readers import open_reader\n"
        "schema = pa.schema([('n', pa.int64()), ('data', pa.string())])\n"
        "sql = \"select seq n, repeat('x', 1000) as data from seq_1_to_1000000\"\n"
        "with open_reader(sys.argv[1], scratch=Path()) as reader:\n"
        "    n = sum(b.num_rows for b in reader.stream(sql, schema))\n"
        "assert n == 1000000, n\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]\n"
        "sys.stdout.write(str(int(peak) // 1024))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, server.url()], capture_output=True,
                          check=True)  # fmt: skip
    assert int(done.stdout) < 300
