"""Figure `models`: what a build costs at a company's size, whole and for a day's change.

    synthetic landing tables (2,000 DAGs of 13 tasks) -> build --full-refresh -> a day -> build

Alone: `python -m bench models`. `WINDSOCK_BENCH_INSTANCES` takes another size.
The rows are made up and worth nothing but their number and shape: no page and no sample shows them.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from bench.measuring import Figure, figure, in_own_process, peak_bytes
from ingest.landing import prepare
from windsock.build import Builder
from windsock.warehouse import Layout, open_build

INSTANCES, DAGS, TASKS, DAYS = 10_000_000, 2_000, 13, 90
NOW = datetime.fromisoformat("2026-01-31T12:00")   # "now" of the cluster: landed, in UTC
DAY = timedelta(days=1)
PATH = "int_critical_path__"
MODEL_PATH = ("int_model_path__", "fct_model_path_tasks")

# A layered graph: each task waits for up to three of those before it.
_STRUCTURES = f"""
create temp table edges as
select distinct dag, task, unnest([
    hash(dag, task, 1) % task, hash(dag, task, 2) % task, task - 1 - hash(dag, task, 3) % task % 3
])::int as upstream from range({DAGS}) as d (dag), range(1, {TASKS}) as t (task);
insert into landing.airflow_db__dag_structure by name
select 'bench' as cluster, 'dag_' || lpad(dag::varchar, 5, '0') as dag_id, '' as dag_version_id,
    md5('dag' || dag) as dag_hash, 16 as max_active_tasks, $now - interval 100 day as _observed_at,
    1 as _load_number from range({DAGS}) as d (dag);
insert into landing.airflow_db__dag_structure_task by name
select 'bench' as cluster, 'dag_' || lpad(d.dag::varchar, 5, '0') as dag_id, '' as dag_version_id,
    md5('dag' || d.dag) as dag_hash, 'task_' || t.task as task_id, 'BashOperator' as operator,
    coalesce(list('task_' || upstream) filter (upstream >= 0 and upstream < t.task), [])
        as upstream_task_ids, []::varchar[] as downstream_task_ids,
    case when t.task % 6 = 5 then 'all_done' when t.task % 11 = 7 then 'one_success'
        else 'all_success' end as trigger_rule, t.task as depth_index, 1 as retries,
    false as is_sensor, false as is_empty, false as depends_on_past, false as wait_for_downstream,
    false as is_mapped, 'default_pool' as pool, $now - interval 100 day as _observed_at,
    1 as _load_number
from range({DAGS}) as d (dag) cross join range({TASKS}) as t (task)
left join edges on edges.dag = d.dag and edges.task = t.task group by d.dag, t.task;
insert into landing.airflow_db__slot_pool by name
select 'bench' as cluster, 'default_pool' as pool, 128 as slots, false as include_deferred,
    $now - interval 100 day as _observed_at, 1 as _load_number;
"""
_RUNS = """
create or replace temp table runs as
select run, run % {dags} as dag, 'dag_' || lpad((run % {dags})::varchar, 5, '0') as dag_id,
    'scheduled__' || run as run_id,
    $began + to_microseconds((run - {first}) * {step}) as begins
from range({first}, {first} + {count}) as r (run);
insert into landing.airflow_db__dag_run by name
select 'bench' as cluster, dag_id, run_id, 'success' as state, 'scheduled' as run_type,
    md5('dag' || dag) as dag_hash, begins - interval 1 day as execution_date,
    begins - interval 1 day as data_interval_start, begins - interval 5 second as data_interval_end,
    begins - interval 2 second as queued_at, begins as start_date,
    begins + interval 16 minute as end_date,
    0 as clear_number, {load} as _load_number, $began as _observed_at from runs;
insert into landing.airflow_db__task_instance by name
select 'bench' as cluster, dag_id, run_id, 'task_' || task as task_id, -1 as map_index,
    'success' as state, if((run * 7 + task) % 20 = 0, 2, 1) as try_number, 1 as max_tries,
    'worker-' || run % 64 as hostname, run as pid, 'default_pool' as pool, 1 as pool_slots,
    'default' as queue, 'BashOperator' as operator,
    begins + to_seconds(task * 70 + (run * 13 + task * 7) % 9) as queued_dttm,
    begins + to_seconds(task * 70 + 5 + (run * 13 + task * 7) % 9) as start_date,
    begins + to_seconds(task * 70 + 25 + (run * 13 + task * 7) % 9 + (hash(run, task) % 40)::int)
        as end_date, {load} as _load_number, $began as _observed_at
from runs, range({tasks}) as t (task);
insert into landing.airflow_db__task_instance_history by name
select 'bench' as cluster, dag_id, run_id, 'task_' || task as task_id, -1 as map_index,
    'failed' as state, 1 as try_number, 'worker' as hostname, run as pid, 'default_pool' as pool,
    1 as pool_slots, begins + to_seconds(task * 70 - 3) as queued_dttm,
    begins + to_seconds(task * 70 - 2) as start_date,
    begins + to_seconds(task * 70 - 1) as end_date,
    {load} as _load_number
from runs, range({tasks}) as t (task) where (run * 7 + task) % 20 = 0;
insert into landing.loads by name
select {load} as load_number, 'load_{load}' as load_id, 'bench' as cluster, 'increment' as kind,
    $until as observed_at, $until as loaded_at, '{{"airflow_version": "2.11"}}' as facts;
"""


def _land(con: duckdb.DuckDBPyConnection, *, first: int, count: int, load: int,
          began: datetime, until: datetime) -> None:
    step = round((until - began - timedelta(minutes=20)) / timedelta(microseconds=1) / count)
    for statement in _RUNS.format(dags=DAGS, tasks=TASKS, first=first, count=count, step=step,
                                  load=load).split(";"):
        if statement.strip():
            names = {"began": began, "until": until}
            con.execute(statement, {k: v for k, v in names.items() if f"${k}" in statement})


def land_history(con: duckdb.DuckDBPyConnection, instances: int) -> None:
    """Structures and ninety days of runs, straight into the landing tables."""
    for statement in _STRUCTURES.split(";"):
        if statement.strip():
            con.execute(statement, {"now": NOW} if "$now" in statement else None)
    _land(con, first=0, count=instances // TASKS, load=1, began=NOW - DAYS * DAY, until=NOW)


def measure(instances: int) -> list[Figure]:
    """All figures of one size, in this process."""
    runs, a_day = instances // TASKS, instances // TASKS // DAYS
    with tempfile.TemporaryDirectory(prefix="windsock-bench-") as folder:
        layout = Layout(Path(folder))
        with open_build(layout, memory_limit="4GB") as con:
            prepare(con)
            land_history(con, instances)
        builder = Builder(layout)
        whole, whole_seconds = _timed(builder)
        _timed(builder)      # views and caches
        with open_build(layout, memory_limit="4GB") as con:
            _land(con, first=runs, count=a_day, load=2, began=NOW, until=NOW + DAY)
        day, day_seconds = _timed(builder)
        still, still_seconds = _timed(builder)
        del still
    path = {n: s for n, s in whole.items() if n.startswith(PATH)}
    return [
        figure("models_critical_path_seconds", sum(path.values()), "s", "<= 10", n=instances,
               walk=round(path[f"{PATH}walk"], 2), segments=round(path[f"{PATH}segments"], 2)),
        figure("models_critical_path_day_seconds",
               sum(s for n, s in day.items() if n.startswith(PATH)), "s", "<= 1",
               n=a_day * TASKS),
        figure("models_model_path_seconds",
               sum(s for n, s in whole.items() if n.startswith(MODEL_PATH)), "s", "<= 15",
               n=DAGS * TASKS),
        figure("models_day_build_seconds", day_seconds, "s", "<= 60", n=a_day * TASKS),
        figure("models_nothing_new_build_seconds", still_seconds, "s", ""),
        figure("models_whole_build_seconds", whole_seconds, "s", "", n=instances,
               slowest=dict(sorted(((n, round(s, 1)) for n, s in whole.items()),
                                   key=lambda x: -x[1])[:8])),
        figure("models_peak_memory", peak_bytes() / 2**20, "MiB", "< 6144"),
    ]


def _timed(builder: Builder) -> tuple[dict[str, float], float]:
    began = time.monotonic()
    seconds = builder.build()
    return seconds, time.monotonic() - began


def models() -> Iterator[Figure]:
    """Builds of 10 million instances, and of a day's change on top."""
    size = int(os.environ.get("WINDSOCK_BENCH_INSTANCES", INSTANCES))
    yield from in_own_process(measure, size)


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {"models": models}
