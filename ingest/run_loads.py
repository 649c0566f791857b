"""Which loads the landed rows of a run stand in, so that looking it up reads few blocks of years.

    rows of a load    ->  landing.run_loads    one row per run: its first and its last load
    runs in question  ->  `condition`          ranges of `_load_number` that hold all their rows

Landing tables grow in the order of loads, so DuckDB skips the blocks outside these ranges by their
smallest and largest number. Without this, comparing a minute's hundred rows reads every key of the
history.
"""

from collections.abc import Iterable

import duckdb

from ingest.contracts import Table, landing_name

DDL = """
create table if not exists landing.run_loads (
    cluster varchar, dag_id varchar, run_id varchar,
    first_load_number bigint, last_load_number bigint
);
"""
_RANGES = 16        # more are not faster than a look through what lies between the nearest


def condition(con: duckdb.DuckDBPyConnection, cluster: str, runs: str, alias: str) -> str:
    """SQL that is true for every landed row of some runs, and for few others.

    Args:
        con: the build file.
        cluster: whose runs.
        runs: relation with columns dag_id and run_id.
        alias: of the landing table in the statement that the condition is for.
    """
    found = con.execute(
        "select distinct first_load_number, last_load_number from landing.run_loads "
        f"where cluster = $1 and (dag_id, run_id) in (select (dag_id, run_id) from {runs}) "
        "order by 1, 2", [cluster]).fetchall()
    ranges = merged(found)
    if not ranges:
        return "false"
    return "(" + " or ".join(
        f"{alias}._load_number between {low} and {high}" for low, high in ranges) + ")"


def merged(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges that cover the given ones, apart from each other, the nearest joined when too many."""
    ranges: list[tuple[int, int]] = []
    for low, high in sorted(found):
        if ranges and low <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], max(high, ranges[-1][1]))
        else:
            ranges.append((low, high))
    while len(ranges) > _RANGES:
        nearest = min(range(1, len(ranges)), key=lambda i: ranges[i][0] - ranges[i - 1][1])
        ranges[nearest - 1:nearest + 1] = [(ranges[nearest - 1][0], ranges[nearest][1])]
    return ranges


def note(con: duckdb.DuckDBPyConnection, load_number: int, runs: str, *, are_new: bool) -> None:
    """A load has brought rows of some runs.

    Args:
        con: the build file, in the transaction that brings the rows.
        load_number: of the load.
        runs: relation with columns cluster, dag_id and run_id.
        are_new: nothing of these runs was landed before.
    """
    con.execute(
        "create or replace temp table touched_runs as "
        "select runs.cluster, runs.dag_id, runs.run_id, "
        + (f"{int(load_number)} as first_load_number" if are_new else
           f"coalesce(min(known.first_load_number), {int(load_number)}) as first_load_number")
        + f" from {runs} as runs "
        + ("" if are_new else
           "left join landing.run_loads as known using (cluster, dag_id, run_id) ")
        + "group by runs.cluster, runs.dag_id, runs.run_id")
    if not are_new:
        con.execute(
            "delete from landing.run_loads as known using touched_runs as new "
            "where known.cluster = new.cluster and known.dag_id = new.dag_id "
            "and known.run_id = new.run_id")
    con.execute(
        f"insert into landing.run_loads by name select *, {int(load_number)} as last_load_number "
        "from touched_runs")
    con.execute("drop table touched_runs")


def renew(con: duckdb.DuckDBPyConnection, source: str, tables: Iterable[Table]) -> None:
    """Make the table anew from the landed rows themselves."""
    parts = " union all ".join(
        "select cluster, dag_id, run_id, _load_number "
        f'from landing."{landing_name(source, table.name)}"'
        for table in tables if table.strategy == "run")
    con.execute("delete from landing.run_loads")
    con.execute(
        "insert into landing.run_loads select cluster, dag_id, run_id, min(_load_number), "
        f"max(_load_number) from ({parts}) group by cluster, dag_id, run_id")
