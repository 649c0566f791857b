"""Rows per CPU-second of the client, and its peak memory, for each way to read task instances.

    python bench/readers.py                 all engines, 500,000 rows of 26 columns
    python bench/readers.py --rows 3000000 mysql

Each way runs in a process of its own, three times; the best run is shown. CPU time, not the
clock on the wall, because the server shares the machine. The ways besides our reader are what was
considered for MySQL and MariaDB; they read outside our transaction or are slower.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))

# The engines' modules are imported here so that no run is charged for loading a driver.
from ingest.sources.airflow_db.readers import mysql, open_reader, postgresql, sqlite
from tests.databases import mariadb
from tests.databases import postgresql as postgresql_server

TEXTS = {
    "dag_id": "concat('dag_', n / 900, '_sales')",
    "task_id": "concat('task_', n % 90, '_transform')",
    "run_id": "concat('scheduled__2026-11-', 10 + n % 19, 'T00:00:00+00:00')",
    "state": "case when n % 3 = 0 then 'failed' when n % 3 = 1 then 'success' end",
    "hostname": "concat('host-', n % 100)",
    "unixname": "'airflow'",
    "pool": "'default_pool'",
    "queue": "'default'",
    "operator": "'BashOperator'",
    "custom_operator_name": "null",
    "executor": "null",
}
INTEGERS = {"map_index": "-1", "try_number": "1", "max_tries": "1", "job_id": "n",
            "pool_slots": "1", "priority_weight": "1"}  # fmt: skip
INSTANTS = ("start_date", "end_date", "queued_dttm", "scheduled_dttm", "updated_at",
            "last_heartbeat_at", "next_due", "rendered_at")  # fmt: skip
INSTANT_SQL = {
    "sqlite": "case when n % 10 > {i} then"
    " strftime('%Y-%m-%d %H:%M:%S', 1767225600 + n, 'unixepoch') || '.12345{i}' end",
    "postgresql": "case when n % 10 > {i} then timestamptz '2026-01-01 00:00:00.12345{i}+00'"
    " + n * interval '1 second' end",
    "mysql": "case when n % 10 > {i} then timestamp '2026-01-01 00:00:00.12345{i}'"
    " + interval n second end",
}
SERIES = {
    "sqlite": "(with recursive s(n) as (select 1 union all select n + 1 from s where n < {rows})"
    " select n from s) as s",
    "postgresql": "generate_series(1, {rows}) as n",
    "mysql": "(select seq as n from seq_1_to_{rows}) as s",
}
INSTANT_TYPE = {"sqlite": "timestamp", "postgresql": "timestamptz", "mysql": "timestamp(6) null"}
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXTS]
    + [(name, pa.int64()) for name in INTEGERS]
    + [("duration", pa.float64())]
    + [(name, pa.timestamp("us", tz="UTC")) for name in INSTANTS]
)
SELECT = f"select {', '.join(SCHEMA.names)} from ti"


def table_sql(engine: str, rows: int) -> str:
    """The statements that make the table."""
    columns = ", ".join(
        [f"{name} varchar(250)" for name in TEXTS]
        + [f"{name} integer" for name in INTEGERS]
        + ["duration double precision"]
        + [f"{name} {INSTANT_TYPE[engine]}" for name in INSTANTS]
    )
    instants = [INSTANT_SQL[engine].format(i=i) for i in range(len(INSTANTS))]
    values = [*TEXTS.values(), *INTEGERS.values(), "n * 0.7310585786", *instants]
    if engine == "sqlite":
        values = [re.sub(r"concat\((.*)\)$", lambda m: m[1].replace(",", " ||"), v) for v in values]
    series = SERIES[engine].format(rows=rows)
    return f"create table ti ({columns}); insert into ti select {', '.join(values)} from {series};"


def read_ours(url: str) -> int:
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_reader(url, scratch=Path(scratch)) as reader,
    ):
        return sum(batch.num_rows for batch in reader.stream(SELECT, SCHEMA))


def read_connectorx(url: str) -> int:
    import connectorx

    return int(connectorx.read_sql(url, SELECT, return_type="arrow").num_rows)


def read_pymysql(url: str, sql: str = SELECT) -> int:
    import pymysql
    from pymysql.cursors import SSCursor
    from sqlalchemy import make_url

    parts = make_url(url)
    arguments: dict[str, Any] = {"user": parts.username, "password": str(parts.password).encode(),
                                 "host": parts.host, "port": parts.port,
                                 "database": parts.database}  # fmt: skip
    count = 0
    with closing(pymysql.connect(**arguments)) as connection, SSCursor(connection) as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(10_000):
            count += len(rows)
    return count


def read_one_text(url: str) -> int:
    """One text per row, made by the server; only fetched, not yet parsed."""
    cells = ", ".join(f"ifnull(quote({name}), '')" for name in SCHEMA.names)
    return read_pymysql(url, f"select concat_ws(',', {cells}) from ti")


LOADED = (mysql, postgresql, sqlite)
WAYS: dict[str, dict[str, Callable[[str], int]]] = {
    "sqlite": {"ours": read_ours},
    "postgresql": {"ours": read_ours, "connectorx": read_connectorx},
    "mysql": {"ours": read_ours, "connectorx": read_connectorx, "pymysql": read_pymysql,
              "one text per row": read_one_text},
}  # fmt: skip


def measure(engine: str, way: str, url: str) -> None:
    """Print rows, CPU-seconds and peak MB of this process."""
    if way == "connectorx":
        import connectorx as _loaded  # noqa: F401
    before = time.process_time()
    rows = WAYS[engine][way](url)
    spent = time.process_time() - before
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    sys.stdout.write(f"{rows} {spent} {int(peak[1]) // 1024 if peak else 0}")


def report(engine: str, url: str, rows: int) -> None:
    for way in WAYS[engine]:
        runs = []
        for _ in range(3):
            command = [sys.executable, __file__, "--measure", way, url, engine]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs.append([float(value) for value in done.stdout.split()])
        assert all(run[0] == rows for run in runs)
        best = min(run[1] for run in runs)
        peak = max(run[2] for run in runs)
        speeds = ", ".join(f"{rows / run[1]:,.0f}" for run in runs)
        sys.stdout.write(f"{engine:<11}{way:<18}{rows / best:>9,.0f} rows/CPU-s {peak:>5.0f} MB"
                         f"   ({speeds})\n")  # fmt: skip
        sys.stdout.flush()


def run(engine: str, rows: int) -> None:
    sql = table_sql(engine, rows)
    if engine == "sqlite":
        import sqlite3

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "airflow.db"
            with closing(sqlite3.connect(path)) as database:
                database.executescript(sql)
            report(engine, f"sqlite:///{path}", rows)
        return
    with postgresql_server() if engine == "postgresql" else mariadb() as server:
        server.execute(sql)
        report(engine, server.url(), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "URL"))
    parser.add_argument("engines", nargs="*", default=list(WAYS))
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.engines[0], *arguments.measure)
        return
    for engine in arguments.engines:
        run(engine, arguments.rows)


if __name__ == "__main__":
    main()
