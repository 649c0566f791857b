"""Figure `layouts`: one DAG's questions and a day's questions under three orders of the rows.

    marts.fct_task_instances of a warehouse -> copies sorted differently -> both kinds of question

Alone: `python -m bench.layouts FOLDER` (a published warehouse), or `python -m bench layouts`.
Warm: the file is in the page cache; medians over different keys.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from bench.company import company_at
from bench.measuring import Figure, figure
from windsock.warehouse import Layout

ASKED = 15
ORDERS = {
    "by_dag": "cluster, dag_id, started_at, run_id, task_id",       # how history is sealed
    "by_time": "started_at, cluster, dag_id, run_id, task_id",
    "by_month_and_dag": "date_trunc('month', started_at), cluster, dag_id, started_at, task_id",
}
_QUESTIONS = {
    "one_dag": "select run_id, task_id, state, duration_seconds from {table} where cluster = $1 "
               "and dag_id = $2 order by started_at desc limit 1000",
    "one_run": "from {table} where cluster = $1 and dag_id = $2 and run_id = $3",
    "a_day": "select cluster, dag_id, count(*) from {table} where state = 'failed' and "
             "started_at >= $1::date and started_at < $1::date + 1 group by all",
    "by_day": "select started_at::date, state, count(*) from {table} group by all",
}


def measure(warehouse: Path) -> Iterator[Figure]:
    """Milliseconds of each question under each order, and the size of the file."""
    newest = Layout(warehouse).newest_snapshot()
    if newest is None:
        raise SystemExit(f"{warehouse} has no published warehouse")
    for order, columns in ORDERS.items():
        with tempfile.TemporaryDirectory(prefix="windsock-bench-") as folder, \
                duckdb.connect(f"{folder}/copy.duckdb") as con:
            con.execute("set memory_limit = '4GB'; set preserve_insertion_order = false")
            for path in [newest, *sorted(newest.parent.glob("sealed_*.duckdb"))]:
                con.execute(f"attach '{path}' as \"{path.stem}\" (read_only)")
            con.execute("create table instances as from "
                        f"\"{newest.stem}\".marts.fct_task_instances order by {columns}")
            con.execute("checkpoint")
            size = Path(f"{folder}/copy.duckdb").stat().st_size / 2**20
            for name, keys in _keys(con).items():
                sql = _QUESTIONS[name].format(table="instances")
                yield figure(f"layouts_{order}_{name}_ms", _median(con, sql, keys), "ms", "",
                             len(keys), file_mib=round(size))


def _keys(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    runs = con.execute("select distinct cluster, dag_id, run_id from instances "
                       "order by hash(run_id, dag_id) limit $1", [ASKED]).fetchall()
    days = con.execute("select distinct started_at::date from instances where started_at is not "
                       "null order by 1 desc limit $1", [ASKED]).fetchall()
    return {"one_dag": [r[:2] for r in runs], "one_run": runs, "a_day": days,
            "by_day": [()] * 3}


def _median(con: duckdb.DuckDBPyConnection, sql: str, keys: list[tuple[Any, ...]]) -> float:
    seconds = []
    for key in [keys[0], *keys]:
        began = time.perf_counter()
        con.execute(sql, list(key)).fetchall()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:]) * 1000


def layouts() -> Iterator[Figure]:
    """On a company of 8 days, or of WINDSOCK_BENCH_DAYS."""
    with tempfile.TemporaryDirectory(prefix="windsock-bench-") as folder, \
            company_at(int(os.environ.get("WINDSOCK_BENCH_DAYS", "8")), Path(folder)) as place:
        place.cycle()
        yield from measure(place.layout.root)


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {"layouts": layouts}
if __name__ == "__main__":
    for one in measure(Path(sys.argv[1])):
        print(json.dumps(one), flush=True)  # noqa: T201
