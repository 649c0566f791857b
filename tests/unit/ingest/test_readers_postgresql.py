"""The reader of PostgreSQL, against a real server from a wheel."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sources.airflow_db.readers import Reader, ReadLimits, open_reader
from tests.databases import (
    PASSWORD,
    Server,
    free_port,
    postgresql,
    postgresql_copy,
    postgresql_on,
)
from windsock.errors import (
    SourceAccessError,
    SourceBusyError,
    SourceError,
    SourceUnreachableError,
)

STRING, INTEGER, FLOAT, BOOLEAN = pa.string(), pa.int64(), pa.float64(), pa.bool_()
INSTANT = pa.timestamp("us", tz="UTC")
NUMBERS = pa.schema([("n", INTEGER)])
NOWHERE = Path("never-used")
MANY = "select g as n from generate_series(1, 5000000) g"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql("log_min_messages=fatal") as running:
        running.execute(
            "create table t (n int, name text); insert into t select g, 'dag_' || g"
            " from generate_series(0, 999) g; analyze t"
        )
        yield running


@contextmanager
def reading(server: Server, limits: ReadLimits | None = None) -> Iterator[Reader]:
    with open_reader(server.url(), limits=limits, scratch=NOWHERE) as reader:
        yield reader


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
        assert reader.dialect == "postgresql"
        assert abs(reader.clock() - before) < timedelta(seconds=30)
        assert reader.clock().utcoffset() == timedelta()
        assert reader.replication_lag_seconds() is None
        assert reader.columns()["t"] == {"n": "integer", "name": "text"}
        assert reader.row_estimate("t") == 1000
        assert reader.row_estimate("it's") is None
        assert (reader.database_size_bytes() or 0) > 1_000_000
        assert reader.quote('a"b') == '"a""b"'
        assert reader.rows("show transaction_isolation") == [("repeatable read",)]
        assert reader.rows("show transaction_read_only") == [("on",)]
        assert reader.rows("show timezone") == [("UTC",)]
        assert reader.rows("show application_name") == [("windsock",)]


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+psycopg2", "postgresql+asyncpg",
                                    "postgres"])  # fmt: skip
def test_urls_of_every_driver(server: Server, driver: str) -> None:
    url = server.url().replace("postgresql", driver, 1) + "?sslmode=prefer"
    with open_reader(url, scratch=NOWHERE) as reader:
        assert reader.rows("select 1") == [(1,)]
    with open_reader(server.socket_url(), scratch=NOWHERE) as reader:
        assert reader.rows("select inet_server_port()") == [(None,)]


def test_only_ordinary_tables_of_the_current_schema(server: Server) -> None:
    server.execute(
        "create schema other; create table other.hidden (n int); create view v as select 1 as n;"
        "create table parts (n int) partition by range (n);"
        "create table parts_1 partition of parts for values from (0) to (10)"
    )
    with reading(server) as reader:
        assert {"t", "parts", "parts_1"} <= set(reader.columns())
        assert not {"hidden", "v"} & set(reader.columns())
    url = server.url() + "?options=-csearch_path%3Dother"
    with open_reader(url, scratch=NOWHERE) as reader:
        assert reader.columns() == {"hidden": {"n": "integer"}}


def test_every_type_as_asked(server: Server) -> None:
    server.execute(
        "create type mood as enum ('sad', 'ok');"
        "create table kinds (small smallint, big bigint, exact numeric(30, 10), rough float8,"
        " single real, flag bool, at timestamptz, naive timestamp, day date, id uuid, doc json,"
        " bdoc jsonb, feeling mood, ip inet, raw bytea, name varchar(9), digits text);"
        "insert into kinds values (1, 9223372036854775807, 3.5, 4.5, 0.5, true,"
        " '2026-01-01 00:00:00.123456+02', '2026-01-01 00:00:00', '2026-01-01',"
        " '6f9619ff-8b86-d011-b42d-00c04fc964ff', '{\"a\":  1}', '{\"a\":  1}', 'ok', '10.0.0.1',"
        " '\\x00ff', 'ünï', '12'), (null, null, null, null, null, null, null, null, null, null,"
        " null, null, null, null, null, null, null)"
    )
    wanted = pa.schema([
        ("name", STRING), ("small", INTEGER), ("big", INTEGER), ("exact", FLOAT),
        ("rough", FLOAT), ("single", FLOAT), ("flag", BOOLEAN), ("at", INSTANT),
        ("naive", INSTANT), ("day", INSTANT), ("id", STRING), ("doc", STRING), ("bdoc", STRING),
        ("feeling", STRING), ("ip", STRING), ("raw", pa.binary()), ("digits", INTEGER),
    ])  # fmt: skip
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    expected = ["ünï", 1, 2**63 - 1, 3.5, 4.5, 0.5, True,
                datetime(2025, 12, 31, 22, 0, 0, 123456, tzinfo=UTC), midnight, midnight,
                "6f9619ff-8b86-d011-b42d-00c04fc964ff", '{"a":  1}', '{"a": 1}', "ok",
                "10.0.0.1/32", b"\x00\xff", 12]  # fmt: skip
    with reading(server) as reader:
        found = values(reader, "select * from kinds", wanted)
        assert found == [[value, None] for value in expected]
        texts = pa.schema([(name, STRING) for name in wanted.names])
        as_text = [column[0] for column in values(reader, "select * from kinds", texts)]
    assert as_text[6:10] == ["true", "2025-12-31 22:00:00.123456+00", "2026-01-01 00:00:00",
                             "2026-01-01"]  # fmt: skip


@pytest.mark.parametrize(
    ("literal", "wanted", "text"),
    [
        ("'infinity'::timestamptz", INSTANT, "infinity"),
        ("'-infinity'::timestamp", INSTANT, "-infinity"),
        ("'infinity'::date", INSTANT, "infinity"),
        ("'many'::text", INTEGER, "many"),
        ("1.5::float8", INTEGER, "1.5"),
        ("'never'::text", INSTANT, "never"),
        ("2", BOOLEAN, "2"),
    ],
)
def test_what_does_not_fit_arrives_as_text(
    server: Server, literal: str, wanted: pa.DataType, text: str
) -> None:
    with reading(server) as reader:
        (batch,) = reader.stream(f"select {literal} as a", pa.schema([("a", wanted)]))
    assert batch.schema.field("a").type == STRING
    assert batch.column("a").to_pylist() == [text]


def test_far_instants_do_not_crash(server: Server) -> None:
    sql = "select unnest(array['0001-01-01', '9999-12-31 23:59:59.999999']::timestamp[]) as a"
    with reading(server) as reader:
        assert values(reader, sql, pa.schema([("a", INSTANT)])) == [
            [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
        ]
        (batch,) = reader.stream(
            "select unnest(array['0044-03-15 BC', '294276-01-01', null]::timestamp[]) as a",
            pa.schema([("a", INSTANT)]),
        )
        assert batch.column("a").type == STRING
        assert batch.column("a").null_count == 1


HOSTILE = st.tuples(
    st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.datetimes(datetime.fromisoformat("0001-01-02"),
                           datetime.fromisoformat("9999-12-30")),
    st.none() | st.binary(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None,
          max_examples=25)  # fmt: skip
@given(rows=st.lists(HOSTILE, min_size=1, max_size=20))
def test_hostile_values_survive(server: Server, rows: list[tuple[Any, ...]]) -> None:
    def literal(value: object) -> str:
        if value is None:
            return "null"
        if isinstance(value, bytes):
            return f"decode('{value.hex()}', 'hex')"
        if isinstance(value, str):
            return f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')"
        return f"'{value}'"

    lines = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
    server.execute(
        "drop table if exists hostile; create table hostile (i serial, a text, b bigint,"
        f" c float8, d timestamp, e bytea); insert into hostile (a, b, c, d, e) values {lines}"
    )
    wanted = pa.schema([("a", STRING), ("b", INTEGER), ("c", FLOAT), ("d", INSTANT),
                        ("e", pa.binary())])  # fmt: skip
    with reading(server) as reader:
        found = values(reader, "select * from hostile order by i", wanted)
    expected = [list(column) for column in zip(*rows, strict=True)]
    expected[3] = [m and m.replace(tzinfo=UTC) for m in expected[3]]
    assert found == expected


def test_text_of_a_database_without_encoding(server: Server) -> None:
    server.execute(
        "create database plain encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'",
        "postgres",
    )
    server.execute("create table t (a text); insert into t values (E'a\\xff'), (null)", "plain")
    with open_reader(server.url("plain"), scratch=NOWHERE) as reader:
        assert values(reader, "select a from t", pa.schema([("a", STRING)])) == [["a�", None]]


def test_a_writers_commit_between_two_streams_is_unseen(server: Server) -> None:
    server.execute("create table moving as select g as n from generate_series(1, 100) g")
    with reading(server) as reader:
        before = values(reader, "select n from moving order by n", NUMBERS)
        server.execute("insert into moving values (1000); delete from moving where n < 50")
        assert failing(reader, "select n from nope") == "SourceMigratingError"
        assert values(reader, "select n from moving order by n", NUMBERS) == before
        assert reader.rows("select count(*) from moving") == [(100,)]
    with reading(server) as reader:
        assert reader.rows("select count(*) from moving") == [(52,)]


def test_nothing_can_be_written(server: Server) -> None:
    url = server.url(user="postgres")
    with (
        open_reader(url, scratch=NOWHERE) as reader,
        pytest.raises(SourceError, match="read-only transaction"),
    ):
        reader.rows("delete from t")


def test_a_table_rewritten_after_the_snapshot_is_not_read_as_empty(server: Server) -> None:
    server.execute("create table rewritten as select g as n from generate_series(1, 100) g")
    with reading(server) as reader:
        server.execute("truncate rewritten")
        assert failing(reader, "select n from rewritten") == "SourceMigratingError"


def test_a_lock_of_ddl_is_a_migration(server: Server) -> None:
    server.execute("create table locked (n int)")
    holder = subprocess.Popen([*server.client, "airflow"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write(b"begin; lock table locked in access exclusive mode; select 'held';\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == b"held\n"
    try:
        with reading(server, ReadLimits(busy_seconds=0.2)) as reader:
            assert failing(reader, "select n from locked") == "SourceMigratingError"
    finally:
        holder.communicate()


def test_failures_have_their_class_and_no_password(server: Server) -> None:
    server.execute("create role poor login password 'poor-secret-1'")
    cases = [
        (server.url(password="wrong-secret-2"), SourceAccessError),
        (server.url("nope"), SourceUnreachableError),
        (server.url(host="host.invalid"), SourceUnreachableError),
        (server.url().replace(f":{server.port}/", f":{free_port()}/"), SourceUnreachableError),
        (server.socket_url().replace(f"host={server.directory}", "host=/nonexistent"),
         SourceUnreachableError),
        (server.url() + "?sslmode=require", SourceUnreachableError),
    ]  # fmt: skip
    for url, kind in cases:
        with pytest.raises(kind) as caught, open_reader(url, scratch=NOWHERE):
            pass
        for secret in ("wrong-secret-2", PASSWORD, "s3cr3t"):
            assert secret not in f"{caught.value}{caught.value!r}{caught.value.__context__}"
    poor = server.url(user="poor", password="poor-secret-1")
    with open_reader(poor, scratch=NOWHERE) as reader:
        assert failing(reader, "select n from t") == "SourceAccessError"


def test_a_slow_statement_is_busy(server: Server) -> None:
    with (
        reading(server, ReadLimits(statement_seconds=0.2)) as reader,
        pytest.raises(SourceBusyError, match="timeout"),
    ):
        reader.rows("select pg_sleep(5)")
    with reading(server, ReadLimits(statement_seconds=0.3)) as reader:
        slow = "select g as n, pg_sleep(0.01) from generate_series(1, 10000) g"
        assert failing(reader, slow) == "SourceBusyError"


def test_a_connection_lost_in_mid_stream(server: Server) -> None:
    with reading(server) as reader:
        stream = reader.stream(MANY, NUMBERS)
        next(stream)
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity"
                       " where application_name = 'windsock'")  # fmt: skip
        with pytest.raises(SourceUnreachableError):
            list(stream)
        with pytest.raises(SourceError):
            reader.rows("select 1")


def test_an_abandoned_stream_leaves_the_reader_usable(server: Server) -> None:
    with reading(server) as reader:
        stream = reader.stream(MANY, NUMBERS, batch_rows=1000)
        assert next(stream).num_rows <= 1000
        with pytest.raises(SourceError, match="still open"):
            reader.rows("select 1")
        stream.close()
        assert reader.rows("select 1") == [(1,)]


def test_two_connections_at_most_and_none_after(server: Server) -> None:
    count = "select count(*) from pg_stat_activity where usename = 'windsock'"
    with reading(server) as reader:
        stream = reader.stream(MANY, NUMBERS)
        next(stream)
        assert 1 <= int(server.execute(count)) <= 2
        stream.close()
    for _ in range(100):
        if int(server.execute(count)) == 0:
            return
    pytest.fail("the connection stays open")


def test_a_hot_standby_is_read_and_tells_its_lag(server: Server) -> None:
    data = server.directory / "replica"
    postgresql_copy(server, data)
    socket = server.directory / "r"
    socket.mkdir()
    socket.chmod(0o777)
    with postgresql_on(data, socket) as replica:
        for _ in range(200):
            with open_reader(replica.url(), scratch=NOWHERE) as reader:
                lag = reader.replication_lag_seconds()
                assert values(reader, "select n from t order by n", NUMBERS)[0][-1] == 999
            if lag == 0.0:
                break
        assert lag == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_stays_bounded(server: Server) -> None:
    script = (
        "import re, sys; from pathlib import Path; import pyarrow as pa\n"
        "from ingest.sources.airflow_db.readers import open_reader\n"
        "schema = pa.schema([('n', pa.int64()), ('data', pa.string())])\n"
        "sql = \"select g n, repeat('x', 1000) as data from generate_series(1, 1000000) g\"\n"
        "with open_reader(sys.argv[1], scratch=Path()) as reader:\n"
        "    n = sum(b.num_rows for b in reader.stream(sql, schema))\n"
        "assert n == 1000000, n\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]\n"
        "sys.stdout.write(str(int(peak) // 1024))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, server.url()], capture_output=True,
                          check=True)  # fmt: skip
    assert int(done.stdout) < 300
