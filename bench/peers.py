"""`make bench-peers`: the same questions put to PostgreSQL that holds the same Airflow metadata.

    a company, all of it in PostgreSQL and landed     ->  question -> seconds there, seconds here

PostgreSQL has the indexes that Airflow's own migrations make, and was vacuumed and analyzed; asked
is what the Airflow UI must ask there. `WINDSOCK_BENCH_DAYS` takes another length (8: a million
instances; 90: twelve). One client, one question at a time, each with keys that were not asked
before; medians.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import duckdb

from bench.company import company_at
from bench.measuring import Figure, figure
from windsock.warehouse import open_snapshot

DAYS = 8
ASKED = 15
Ask = Callable[[tuple[Any, ...]], object]


def peers(days: int) -> Iterator[Figure]:
    """Ratios of PostgreSQL's time to ours, question by question."""
    with tempfile.TemporaryDirectory(prefix="windsock-bench-") as folder, \
            company_at(days, Path(folder), live=timedelta(days=days + 1)) as place:
        place.cycle()
        cluster = place.clusters[0]
        con = open_snapshot(place.layout)
        with adbc.connect(cluster.metadata_url) as connection:
            questions = _questions(con, connection, cluster.name)
            [(count,)] = con.execute("select count(*) from marts.fct_task_instances where "
                                     "cluster = $1", [cluster.name]).fetchall()
            for name, (theirs, ours, keys) in questions.items():
                seconds = [(_timed(theirs, key), _timed(ours, key)) for key in keys]
                there, here = (statistics.median(s) for s in zip(*seconds, strict=True))
                yield figure(f"peers_{name}_ratio", there / here, "x", "", len(keys),
                             postgresql_ms=round(there * 1000, 2),
                             windsock_ms=round(here * 1000, 2), instances=count)
        con.close()


def _timed(ask: Ask, key: tuple[Any, ...]) -> float:
    began = time.perf_counter()
    ask(key)
    return time.perf_counter() - began


def _questions(con: duckdb.DuckDBPyConnection, connection: Any, cluster: str,
               ) -> dict[str, tuple[Ask, Ask, list[tuple[Any, ...]]]]:
    def there(sql: str) -> Ask:
        return lambda key: _rows(connection, sql, key)

    def here(sql: str) -> Ask:
        return lambda key: con.execute(sql, [cluster, *key]).fetchall()

    def keys(sql: str) -> list[tuple[Any, ...]]:
        return con.execute(sql, [cluster]).fetchall()

    runs = keys("select dag_id, run_id from marts.fct_dag_runs where cluster = $1 and "
                f"state = 'success' order by hash(run_id, dag_id) limit {ASKED}")
    tasks = keys("select dag_id, task_id from marts.agg_task_durations where cluster = $1 and "
                 f"sample_count >= 5 order by hash(task_id, dag_id) limit {ASKED}")
    days = keys("select distinct ended_at::date from marts.fct_dag_runs where cluster = $1 and "
                "ended_at is not null order by 1")
    words = [(w,) for w in ("spend", "attr", "daily", "orders", "load", "rank", "export", "check")]
    return {
        "critical_path": (
            lambda key: _walk(connection, key),
            here("from marts.fct_critical_path_steps where cluster = $1 and dag_id = $2 and "
                 "run_id = $3 order by path_kind, step_number"), runs),
        "last_30_successes": (
            there("select percentile_cont(0.5) within group (order by d), count(*) from ("
                  "select extract(epoch from t.end_date - t.start_date) as d from task_instance t "
                  "join dag_run r on r.dag_id = t.dag_id and r.run_id = t.run_id "
                  "where t.dag_id = $1 and t.task_id = $2 and t.state = 'success' and "
                  "r.state = 'success' order by r.start_date desc limit 30) s"),
            here("select median_seconds, sample_count from marts.agg_task_durations "
                 "where cluster = $1 and dag_id = $2 and task_id = $3"), tasks),
        "failures_of_a_day": (
            there("select dag_id, operator, count(*) from task_instance where state = 'failed' and "
                  "end_date >= $1::date and end_date < $1::date + 1 group by 1, 2 "
                  "order by 3 desc"),
            here("select dag_id, operator, count(*) from marts.fct_task_instances "
                 "where cluster = $1 and state = 'failed' and ended_at >= $2::date and "
                 "ended_at < $2::date + 1 group by all order by 3 desc"), days),
        "search": (
            there("select dag_id from dag where dag_id ilike '%' || $1 || '%' union all "
                  "select distinct task_id from task_instance where task_id ilike "
                  "'%' || $1 || '%' limit 100"),
            here("select entry_kind, dag_id, task_id from marts.dim_search_entries where "
                 "cluster = $1 and contains(lower(coalesce(task_id, dag_id)), $2) limit 100"),
            words),
    }


def _rows(connection: Any, sql: str, key: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters=key)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _walk(connection: Any, key: tuple[Any, ...]) -> list[tuple[str, str]]:
    """The least that a UI must do: read instances and structure, step back by the latest end.

    Without hand-offs, retries and trigger rules, which the mart has too.
    """
    ended = {row[0]: row[1] for row in _rows(
        connection, "select task_id, max(end_date) from task_instance "
        "where dag_id = $1 and run_id = $2 and end_date is not null group by task_id", key)}
    [(body,)] = _rows(connection, "select data::text from serialized_dag where dag_id = $1 "
                      "order by last_updated desc limit 1", key[:1])
    upstream: dict[str, list[str]] = {}
    for task in json.loads(body)["dag"]["tasks"]:
        known = task.get("__var", task)
        for name in known.get("downstream_task_ids", []):
            upstream.setdefault(name, []).append(known["task_id"])
    at = max(ended, key=lambda t: ended[t])
    path = [at]
    while before := [t for t in upstream.get(at, []) if t in ended]:
        at = max(before, key=lambda t: ended[t])
        path.append(at)
    return list(pairwise(path))


def main() -> int:
    """Print a line per question."""
    for one in peers(int(os.environ.get("WINDSOCK_BENCH_DAYS", DAYS))):
        print(json.dumps(one), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
