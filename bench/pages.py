"""Figure `pages`: server time of every page on a million task instances.

    synthetic landing tables -> build -> publish -> each page and view in turn, answers not cached

Alone: `python -m bench pages`; `python -m bench.pages FOLDER` only makes the warehouse there.
Beside the DAGs of `models` there are a DAG of 10,000 runs and one of 1,000 tasks, since a page must
hold those too. The rows are made up and worth nothing but their number and shape.
"""

import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path

import duckdb

from bench import models
from bench.measuring import Figure, figure, in_own_process
from ingest.landing import prepare
from windsock import clock
from windsock.build import Builder
from windsock.publish import publish
from windsock.warehouse import Layout, open_build

INSTANCES = 1_000_000
ROUNDS = 20
CLUSTER, LONG, WIDE = "bench", "long_history", "wide"
LONG_RUNS, WIDE_TASKS, WIDE_RUNS = 10_000, 1_000, 30

# A task waits for one of the layer before it, ten layers of a hundred.
_MORE = f"""
insert into landing.airflow_db__dag_structure by name
select 'bench' as cluster, dag_id, '' as dag_version_id, md5(dag_id) as dag_hash,
    16 as max_active_tasks, $now - interval 100 day as _observed_at, 1 as _load_number
from (values ('{LONG}'), ('{WIDE}')) as d (dag_id);
insert into landing.airflow_db__dag_structure_task by name
select 'bench' as cluster, dag_id, '' as dag_version_id, md5(dag_id) as dag_hash,
    'task_' || task as task_id, 'BashOperator' as operator,
    if(task < width, [], ['task_' || (task - width)]) as upstream_task_ids,
    []::varchar[] as downstream_task_ids, 'all_success' as trigger_rule,
    task // width as depth_index, 1 as retries, false as is_sensor, false as is_empty,
    false as depends_on_past, false as wait_for_downstream, false as is_mapped,
    'default_pool' as pool, $now - interval 100 day as _observed_at, 1 as _load_number
from (select '{LONG}' as dag_id, unnest(range(3)) as task, 1 as width
    union all select '{WIDE}', unnest(range({WIDE_TASKS})), 100) as tasks;
create or replace temp table more_runs as
select '{LONG}' as dag_id, 'scheduled__l' || run as run_id, 3 as tasks, 1 as width,
    $now - to_seconds(run * 700 + 900) as begins from range({LONG_RUNS}) as r (run)
union all
select '{WIDE}', 'scheduled__w' || run, {WIDE_TASKS}, 100, $now - to_seconds(run * 86400 + 7200)
from range({WIDE_RUNS}) as r (run);
insert into landing.airflow_db__dag_run by name
select 'bench' as cluster, dag_id, run_id, if(hash(run_id) % 20 = 0, 'failed', 'success') as state,
    'scheduled' as run_type, md5(dag_id) as dag_hash, begins as execution_date,
    begins as data_interval_start, begins as data_interval_end,
    begins - interval 2 second as queued_at, begins as start_date,
    begins + to_seconds(tasks // width * 60 + 5) as end_date, 0 as clear_number,
    1 as _load_number, $now as _observed_at from more_runs;
insert into landing.airflow_db__task_instance by name
select 'bench' as cluster, dag_id, run_id, 'task_' || task as task_id, -1 as map_index,
    if(hash(run_id) % 20 = 0 and task = tasks - 1, 'failed', 'success') as state, 1 as try_number,
    1 as max_tries, 'worker-' || task % 64 as hostname, 'default_pool' as pool, 1 as pool_slots,
    'default' as queue, 'BashOperator' as operator,
    begins + to_seconds(task // width * 60 + 1) as queued_dttm,
    begins + to_seconds(task // width * 60 + 5) as start_date,
    begins + to_seconds(task // width * 60 + 30 + (hash(run_id, task) % 25)::int) as end_date,
    1 as _load_number
from (select *, unnest(range(tasks)) as task from more_runs) as instances;
insert into landing.airflow_db__dag by name
select 'bench' as cluster, dag_id, false as is_paused, true as is_active,
    '/dags/' || dag_id || '.py' as fileloc, 'team-' || hash(dag_id) % 40 as owners,
    '"@daily"' as schedule_interval, 1 as _load_number
from (select distinct dag_id from landing.airflow_db__dag_run) as dags;
"""


def make(root: Path, instances: int = INSTANCES) -> Layout:
    """A published warehouse of that many instances."""
    layout = Layout(root)
    with open_build(layout, memory_limit="4GB") as con:
        prepare(con)
        models.land_history(con, instances)
        _each(con, _MORE)
    Builder(layout).build()
    publish(layout)
    return layout


def _each(con: duckdb.DuckDBPyConnection, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            con.execute(statement, {"now": models.NOW} if "$now" in statement else None)


def addresses() -> dict[str, list[dict[str, str]]]:
    """The URLs to open, by page and view: parameters of the page, one set a round."""
    def dags(number: int) -> list[str]:
        return [LONG, WIDE, *(f"dag_{n:05d}" for n in range(number - 2))]

    def runs(number: int) -> list[tuple[str, str]]:
        wide = [(WIDE, f"scheduled__w{n}") for n in range(number // 2)]
        return [*wide, *((f"dag_{n:05d}", f"scheduled__{n}") for n in range(number - len(wide)))]

    found: dict[str, list[dict[str, str]]] = {
        "discover": [{"q": f"dag_{n:03d}"} for n in range(ROUNDS)],
        "runs": [{"search": f"dag_{n:03d}"} for n in range(ROUNDS)]}
    for view in ("runs", "grid", "graph", "tasks", "tries", "versions", "audit", "errors"):
        found[f"dag {view}"] = [{"cluster": CLUSTER, "dag_id": d, "view": view}
                                for d in dags(ROUNDS)]
    for view in ("path", "gantt", "graph", "tasks", "chain", "whatif", "compare"):
        found[f"run {view}"] = [{"cluster": CLUSTER, "dag_id": d, "run_id": r, "view": view}
                                for d, r in runs(ROUNDS)]
    found["run task"] = [{"cluster": CLUSTER, "dag_id": d, "run_id": r, "task_id": "task_2"}
                         for d, r in runs(ROUNDS)]
    found["task"] = [{"cluster": CLUSTER, "dag_id": d, "task_id": "task_2"} for d in dags(ROUNDS)]
    for page in ("import_errors", "limits", "slowest", "platform"):
        found[page] = [{} for _ in range(ROUNDS)]
    return found


def measure() -> list[Figure]:
    """Seconds of one run of each page's script: queries, shaping and serialisation, warm."""
    from streamlit.testing.v1 import AppTest

    from dashboards import app, data

    with tempfile.TemporaryDirectory(prefix="windsock-bench-") as folder:
        layout = make(Path(folder))
        sys.argv = ["app.py", "--warehouse", folder]
        now = models.NOW.replace(tzinfo=UTC) + timedelta(minutes=1)
        clock.now = lambda: now     # the copy is as fresh as it says
        found = []
        for name, rounds in addresses().items():
            page = AppTest.from_file(app.__file__, default_timeout=60)
            page.run()
            page.switch_page(f"views/{name.split()[0]}.py")
            gc.collect()        # what AppTest kept of the pages before is not this page's
            gc.freeze()
            seconds = []
            for number, parameters in enumerate([rounds[0], *rounds]):
                data._answer.clear()
                page.query_params.clear()
                for key, value in parameters.items():
                    page.query_params[key] = value
                began = time.perf_counter()
                page.run()
                if number:      # the first is the warming
                    seconds.append(time.perf_counter() - began)
                if page.exception:
                    raise RuntimeError(f"{name} {parameters}: {page.exception[0].message}")
            found.append(figure(
                f"pages_{name.replace(' ', '_')}_p95_seconds",
                statistics.quantiles(seconds, n=20)[-1], "s", "< 0.5", n=len(seconds),
                median=round(statistics.median(seconds), 3), slowest=round(max(seconds), 3)))
        del layout
        return found


def pages() -> Iterator[Figure]:
    """Server time of every page."""
    yield from in_own_process(measure)


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {"pages": pages}

if __name__ == "__main__":
    make(Path(sys.argv[1]), int(os.environ.get("WINDSOCK_BENCH_INSTANCES", INSTANCES)))
