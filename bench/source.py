"""Airflow databases of any size, in the schema that Airflow 3.3.2 itself wrote, for measuring.

The rows are made up and worth nothing but their number and shape: no page and no sample shows them.
"""

import lzma
from pathlib import Path

from tests.databases import Server

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "airflow"
TASKS = 10

_RUNS = """
set session_replication_role = replica;
set synchronous_commit = off;
truncate task_instance, task_instance_history, dag_run, log, job, task_reschedule, xcom,
    rendered_task_instance_fields, dagrun_asset_event, backfill_dag_run, deadline cascade;
insert into dag_run (id, dag_id, run_id, run_type, state, logical_date, data_interval_start,
    data_interval_end, run_after, queued_at, start_date, end_date, updated_at, created_at,
    clear_number, conf, span_status, log_template_id, triggered_by, context_carrier)
select n, 'dag_' || lpad((n % {dags})::text, 5, '0'),
    'scheduled__' || to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS') || '+00:00',
    'scheduled', 'success', at, at, at, at, at, at, at + interval '10 minutes',
    at + interval '10 minutes', at, 0, '{{}}', 'ended', 1, 'TIMETABLE', '{{}}'
from (select n, timestamptz '2026-11-22 06:00:00+00' - ({runs} - n) * interval '{step} seconds' as at
      from generate_series(1, {runs}) as n) as runs;
"""
_INSTANCES = """
set session_replication_role = replica;
set synchronous_commit = off;
insert into task_instance (id, dag_id, run_id, task_id, map_index, start_date, end_date, duration,
    state, try_number, max_tries, hostname, unixname, pool, pool_slots, queue, priority_weight,
    operator, queued_dttm, scheduled_dttm, pid, updated_at, task_display_name, span_status,
    executor_config, next_kwargs, context_carrier)
select (lpad(to_hex(dr.id), 16, '0') || lpad(to_hex(t), 16, '0'))::uuid, dr.dag_id, dr.run_id,
    'task_' || t, -1, dr.start_date + t * interval '1 minute',
    dr.start_date + t * interval '1 minute' + (30 + (dr.id * 7 + t * 13) % 25) * interval '1.037 seconds',
    (30 + (dr.id * 7 + t * 13) % 25) * 1.037, case when (dr.id + t) % 50 = 0 then 'failed' else 'success' end,
    1, 1, 'worker-' || (dr.id + t) % 64, 'airflow', 'default_pool', 1, 'default', 11 - t,
    'BashOperator', dr.start_date + t * interval '1 minute' - interval '3 seconds',
    dr.start_date + t * interval '1 minute' - interval '4 seconds', 1000 + dr.id % 30000,
    dr.start_date + t * interval '1 minute' + interval '1 minute', 'task_' || t, 'ended',
    '\\x80057d942e'::bytea, null, '{{}}'
from dag_run as dr, generate_series(0, {tasks} - 1) as t
where dr.id > {low} and dr.id <= {high};
"""


def load_schema(server: Server, database: str = "airflow") -> None:
    """Load the dump that Airflow 3.3.2 wrote, schema and rows."""
    dump = lzma.open(FIXTURES / "3.3.2" / "airflow.sql.xz").read().decode()
    server.execute("do $$ begin create role airflow; exception when duplicate_object then null; "
                   "end $$", "postgres")
    server.execute(dump, database)


def fill(server: Server, instances: int, *, dags: int = 2_000, days: int = 90) -> None:
    """Replace the rows by `instances` task instances in runs of ten, over `days` days."""
    runs = max(1, instances // TASKS)
    _without_indexes(server)
    server.execute(_RUNS.format(dags=dags, runs=runs, step=days * 86_400 / runs))
    for low in range(0, runs, 100_000):
        server.execute(_INSTANCES.format(tasks=TASKS, low=low, high=min(runs, low + 100_000)))
    server.execute(
        "alter table task_instance add constraint task_instance_composite_key "
        "unique (dag_id, task_id, run_id, map_index);"
        "create index ti_dag_run on task_instance (dag_id, run_id);"
        "create index ti_state on task_instance (state);"
        "analyze dag_run; analyze task_instance;"
        "select setval('dag_run_id_seq', (select max(id) from dag_run));")


def change(server: Server, instances: int, *, cycle: int) -> None:
    """A minute's change: new runs whose instances have just begun or ended."""
    runs = max(1, instances // TASKS)
    server.execute(
        "set session_replication_role = replica;"
        "insert into dag_run (id, dag_id, run_id, run_type, state, logical_date, run_after, "
        "queued_at, start_date, updated_at, created_at, clear_number, span_status, context_carrier) "
        "select nextval('dag_run_id_seq'), 'dag_' || lpad(n::text, 5, '0'), "
        f"'manual__cycle{cycle}_' || n, 'manual', 'running', now() + n * interval '1 microsecond' + "
        f"{cycle} * interval '1 second', now(), now(), now(), now(), now(), 0, 'ended', '{{}}' "
        f"from generate_series(1, {runs}) n;"
        "insert into task_instance (id, dag_id, run_id, task_id, map_index, start_date, end_date, "
        "duration, state, try_number, max_tries, pool, pool_slots, queue, priority_weight, operator, "
        "queued_dttm, scheduled_dttm, updated_at, hostname, span_status, executor_config) "
        "select gen_random_uuid(), dag_id, run_id, 'task_' || t, -1, now(), now(), 1.0, 'success', "
        "1, 1, 'default_pool', 1, 'default', 1, 'BashOperator', now(), now(), now(), 'w', 'ended', "
        "'\\x80057d942e'::bytea "
        f"from dag_run, generate_series(0, {TASKS} - 1) t where run_id like 'manual__cycle{cycle}\\_%';")


def _without_indexes(server: Server) -> None:
    """Indexes and foreign keys off while filling; those that reading needs come back after."""
    server.execute("""
        do $$ declare r record; begin
        for r in select conname from pg_constraint where conrelid = 'task_instance'::regclass
            and contype in ('f', 'u') loop
            execute 'alter table task_instance drop constraint ' || quote_ident(r.conname) || ' cascade';
        end loop;
        for r in select indexrelid::regclass::text as name from pg_index
            where indrelid = 'task_instance'::regclass and not indisprimary loop
            execute 'drop index ' || r.name; end loop;
        end $$;""")
