"""Figure `pages`: server time of every page on a company's warehouse.

    a published warehouse -> each page and view in turn, answers not cached

Alone: `python -m bench pages` (a company of 8 days, a million instances); `python -m bench refresh`
takes it at twelve million as well. Among the DAGs asked for are always the one with the most runs
and the run with the most tasks.
"""

import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from bench.company import company_at
from bench.measuring import Figure, figure, in_own_process, peak_bytes
from windsock import clock
from windsock.warehouse import Layout, open_snapshot

DAYS = 8
ROUNDS = 20
Parameters = dict[str, str]


def addresses(con: duckdb.DuckDBPyConnection) -> dict[str, list[Parameters]]:
    """The URLs to open, by page and view: parameters of the page, one set a round."""
    def ask(sql: str, *names: str) -> list[Parameters]:
        return [dict(zip(names, row, strict=True)) for row in con.execute(sql).fetchall()]

    dag, run = ("cluster", "dag_id"), ("cluster", "dag_id", "run_id")
    largest = "group by all order by count(*) desc limit 2"
    dags = [*ask(f"select cluster, dag_id from marts.fct_dag_runs {largest}", *dag),
            *ask("select cluster, dag_id from marts.fct_dag_runs group by all "
                 f"order by hash(dag_id) limit {ROUNDS - 2}", *dag)]
    runs = [*ask(f"select cluster, dag_id, run_id from marts.fct_task_instances {largest}", *run),
            *ask("select cluster, dag_id, run_id from marts.fct_dag_runs where state in "
                 f"('success', 'failed') order by hash(run_id) limit {ROUNDS - 2}", *run)]
    tasks = ask("select cluster, dag_id, task_id from marts.agg_task_durations "
                f"order by hash(task_id, dag_id) limit {ROUNDS}", *dag, "task_id")
    words = [p["dag_id"][:6] for p in dags]
    found = {"discover": [{"q": w} for w in words], "runs": [{"search": w} for w in words]}
    for view in ("runs", "grid", "graph", "tasks", "tries", "versions", "audit", "errors"):
        found[f"dag {view}"] = [{**p, "view": view} for p in dags]
    for view in ("path", "gantt", "graph", "tasks", "chain", "whatif", "compare"):
        found[f"run {view}"] = [{**p, "view": view} for p in runs]
    found["task"] = tasks
    for name in ("import_errors", "limits", "slowest", "platform"):
        found[name] = [{} for _ in range(ROUNDS)]
    return found


def measure(warehouse: str, now: str) -> list[Figure]:
    """Seconds of one run of each page's script: queries, shaping and serialisation.

    Args:
        warehouse: folder of a published warehouse.
        now: ISO 8601; the instant that the pages take for now.
    """
    from streamlit.testing.v1 import AppTest

    from dashboards import app, data

    instant = datetime.fromisoformat(now) + timedelta(minutes=1)
    clock.now = lambda: instant         # the copy is as fresh as it says
    sys.argv = ["app.py", "--warehouse", warehouse]
    con = open_snapshot(Layout(Path(warehouse)))
    [(count,)] = con.execute("select count(*) from marts.fct_task_instances").fetchall()
    asked = addresses(con)
    con.close()
    found = []
    for name, rounds in asked.items():
        page = AppTest.from_file(app.__file__, default_timeout=60)
        page.run()
        page.switch_page(f"views/{name.split()[0]}.py")
        gc.collect()        # what AppTest kept of the pages before is not this page's
        gc.freeze()
        seconds = []
        for parameters in [rounds[0], *rounds]:
            data._answer.clear()
            page.query_params.clear()
            for key, value in parameters.items():
                page.query_params[key] = value
            began = time.perf_counter()
            page.run()
            seconds.append(time.perf_counter() - began)
            if page.exception:
                raise RuntimeError(f"{name} {parameters}: {page.exception[0].message}")
        cold, *warm = seconds
        found.append(figure(
            f"pages_{name.replace(' ', '_')}_p95_seconds", statistics.quantiles(warm, n=20)[-1],
            "s", "< 0.3", n=len(warm), instances=count, median=round(statistics.median(warm), 3),
            slowest=round(max(warm), 3), cold=round(cold, 3)))
    found.append(figure("pages_peak_memory", peak_bytes() / 2**20, "MiB", "< 1536",
                        instances=count))
    return found


def pages() -> Iterator[Figure]:
    """Server time of every page at a million instances, or at WINDSOCK_BENCH_DAYS."""
    with tempfile.TemporaryDirectory(prefix="windsock-bench-") as folder, \
            company_at(int(os.environ.get("WINDSOCK_BENCH_DAYS", DAYS)), Path(folder)) as place:
        place.cycle()
        yield from in_own_process(measure, str(place.layout.root), place.instant.isoformat())


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {"pages": pages}
