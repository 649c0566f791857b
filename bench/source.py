"""Airflow databases of any size, in the schema that Airflow 2.10.5 itself wrote, for measuring.

The rows are made up and worth nothing but their number and shape: no page and no sample shows them.
The same rows go to every engine: DuckDB writes them as CSV, each server loads that.
"""

import lzma
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from tests.databases import Server

FIXTURE = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "airflow" / "2.10.5"
TASKS = 10
RUN_COLUMNS = (
    "id",
    "dag_id",
    "run_id",
    "run_type",
    "state",
    "external_trigger",
    "execution_date",
    "data_interval_start",
    "data_interval_end",
    "queued_at",
    "start_date",
    "end_date",
    "updated_at",
    "clear_number",
    "log_template_id",
    "dag_hash",
)
TASK_COLUMNS = (
    "task_id",
    "dag_id",
    "run_id",
    "map_index",
    "start_date",
    "end_date",
    "duration",
    "state",
    "try_number",
    "max_tries",
    "hostname",
    "unixname",
    "job_id",
    "pool",
    "pool_slots",
    "queue",
    "priority_weight",
    "operator",
    "queued_dttm",
    "queued_by_job_id",
    "pid",
    "updated_at",
    "task_display_name",
)
# Ending with the clock of the machine, so that a first landing finds them recent.
_RUNS = """
create temp table runs as
select n as id, 'dag_' || lpad((n % {dags})::varchar, 5, '0') as dag_id, started_at,
    'scheduled__' || strftime(started_at, '%Y-%m-%dT%H:%M:%S') || '+00:00' as run_id
from (select n, now()::timestamp - interval 1 hour - to_seconds(({runs} - n) * {step}) as started_at
      from range(1, {runs} + 1) as t (n))
"""
_RUN_ROWS = """
copy (select id, dag_id, run_id, 'scheduled', 'success', {false}, started_at, started_at,
    started_at, started_at, started_at, started_at + interval 10 minute,
    started_at + interval 10 minute, 0, 1, md5(dag_id) from runs)
to '{path}' (header false, nullstr '\\N')
"""
_TASK_ROWS = """
copy (select 'task_' || t, dag_id, run_id, -1, started_at + to_minutes(t),
    started_at + to_minutes(t) + to_milliseconds(1037 * (30 + (id * 7 + t * 13) % 25)),
    1.037 * (30 + (id * 7 + t * 13) % 25),
    case when (id + t) % 50 = 0 then 'failed' else 'success' end,
    1, 1, 'worker-' || (id + t) % 64 || '.example', 'airflow', id * {tasks} + t, 'default_pool', 1,
    'default', 11 - t, 'BashOperator', started_at + to_minutes(t) - interval 3 second, 7,
    1000 + id % 30000, started_at + to_minutes(t) + interval 1 minute, 'task_' || t
    from runs, range({tasks}) as tasks (t))
to '{path}' (header false, nullstr '\\N')
"""


@contextmanager
def _rows(instances: int, *, dags: int, days: int, false: str) -> Iterator[tuple[Path, Path]]:
    """CSV files of runs and task instances."""
    runs = max(1, instances // TASKS)
    with tempfile.TemporaryDirectory(prefix="windsock-bench-") as folder:
        Path(folder).chmod(0o755)  # the servers read as a user of their own
        run_file, task_file = Path(folder) / "runs.csv", Path(folder) / "tasks.csv"
        with duckdb.connect() as con:
            con.execute("set timezone = 'UTC'")
            con.execute(_RUNS.format(dags=dags, runs=runs, step=days * 86_400 / runs))
            con.execute(_RUN_ROWS.format(path=run_file, false=false))
            con.execute(_TASK_ROWS.format(path=task_file, tasks=TASKS))
        yield run_file, task_file


def fill(server: Server, instances: int, *, dags: int = 2_000, days: int = 90) -> None:
    """Load the schema of 2.10.5 into an empty database, and so many task instances."""
    name = "postgres" if server.kind == "postgresql" else "mariadb"
    server.execute(lzma.decompress((FIXTURE / f"{name}.sql.xz").read_bytes()).decode())
    false = "false" if server.kind == "postgresql" else "0"
    with _rows(instances, dags=dags, days=days, false=false) as (run_file, task_file):
        if server.kind == "postgresql":
            _fill_postgresql(server, run_file, task_file)
        else:
            _fill_mariadb(server, run_file, task_file)


_TABLES = (
    "xcom",
    "task_map",
    "task_fail",
    "task_reschedule",
    "task_instance_note",
    "task_instance_history",
    "rendered_task_instance_fields",
    "task_instance",
    "dagrun_dataset_event",
    "dag_run_note",
    "dag_run",
    "log",
    "job",
)


def _fill_postgresql(server: Server, run_file: Path, task_file: Path) -> None:
    server.execute(
        "set session_replication_role = replica;"
        + "".join(f"truncate {t} cascade;" for t in _TABLES)
        + "alter table task_instance drop constraint task_instance_pkey cascade;"
        "drop index if exists ti_dag_run, ti_dag_state, ti_heartbeat, ti_job_id, ti_pool, "
        "ti_state, "
        "ti_state_lkp, ti_trigger_id;"
        f"copy dag_run ({', '.join(RUN_COLUMNS)}) from '{run_file}' csv null '\\N';"
        f"copy task_instance ({', '.join(TASK_COLUMNS)}) from '{task_file}' csv null '\\N';"
        "alter table task_instance add primary key (dag_id, task_id, run_id, map_index);"
        "create index ti_dag_run on task_instance (dag_id, run_id);"
        "create index ti_state on task_instance (state);"
        "analyze;"
        "select setval('dag_run_id_seq', (select max(id) from dag_run));"
    )


def _fill_mariadb(server: Server, run_file: Path, task_file: Path) -> None:
    loads = ""
    for table, columns, file in (
        ("dag_run", RUN_COLUMNS, run_file),
        ("task_instance", TASK_COLUMNS, task_file),
    ):
        loads += (
            f"load data infile '{file}' into table {table} fields terminated by ',' "
            f"optionally enclosed by '\"' ({', '.join(columns)});"
        )
    server.execute(
        "set foreign_key_checks = 0; set unique_checks = 0; set time_zone = '+00:00';"
        + "".join(f"delete from {t};" for t in _TABLES)
        + loads
        + "analyze table dag_run, task_instance;"
    )


def fill_sqlite(path: Path, instances: int, *, dags: int = 2_000, days: int = 90) -> str:
    """Write a SQLite file with so many task instances; its URL."""
    path.write_bytes(lzma.decompress((FIXTURE / "airflow.db.xz").read_bytes()))
    with (
        sqlite3.connect(path) as con,
        _rows(instances, dags=dags, days=days, false="0") as (run_file, task_file),
    ):
        for table in _TABLES:
            con.execute(f"delete from {table}")
        for table, columns, file in (
            ("dag_run", RUN_COLUMNS, run_file),
            ("task_instance", TASK_COLUMNS, task_file),
        ):
            marks = ", ".join("?" * len(columns))
            reader = duckdb.connect().execute(
                "from read_csv($1, header = false, all_varchar = true, nullstr = '\\N')",
                [str(file)],
            )
            while rows := reader.fetchmany(50_000):
                con.executemany(
                    f"insert into {table} ({', '.join(columns)}) values ({marks})",
                    [[_padded(v) for v in row] for row in rows],
                )
    return f"sqlite:///{path}"


def _padded(value: str | None) -> str | None:
    """Instants as SQLAlchemy writes them: six digits after the second."""
    is_instant = value is not None and len(value) >= 19 and value[4] == "-" and value[10] == " "
    if not is_instant or value is None:
        return value
    head, _, fraction = value.partition(".")
    return f"{head}.{fraction.ljust(6, '0')}"


def change(server: Server, instances: int, *, cycle: int) -> None:
    """A minute's change in PostgreSQL: new runs whose instances have just ended."""
    runs = max(1, instances // TASKS)
    server.execute(f"""
        set session_replication_role = replica;
        insert into dag_run (id, dag_id, run_id, run_type, state, external_trigger, execution_date,
            queued_at, start_date, updated_at, clear_number)
        select nextval('dag_run_id_seq'), 'dag_' || lpad(n::text, 5, '0'),
            'manual__cycle{cycle}_' || n, 'manual', 'running', true,
            now() + n * interval '1 microsecond' + {cycle} * interval '1 second',
            now(), now(), now(), 0
        from generate_series(1, {runs}) n;
        insert into task_instance ({", ".join(TASK_COLUMNS)})
        select 'task_' || t, dag_id, run_id, -1, now(), now(), 1.0, 'success', 1, 1, 'w', 'airflow',
            1, 'default_pool', 1, 'default', 1, 'BashOperator', now(), 7, 99, now(), 'task_' || t
        from dag_run, generate_series(0, {TASKS} - 1) t
        where run_id like 'manual__cycle{cycle}\\_%';
    """)
