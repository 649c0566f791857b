"""Compares what is landed with the source, slice by slice, by count and hash.

    due_level  ->  reconcile: runs that differ are read again, runs that are gone are buried
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from ingest.contracts import Table, landing_name
from ingest.door import Reading
from ingest.sources.airflow_db import queries
from ingest.sources.airflow_db.extract import Session, read, read_runs
from ingest.sources.airflow_db.steps import SOURCE, Pace, reading_of, runs_of

# name -> (how far back, how often)
RECONCILE_LEVELS: dict[str, tuple[timedelta | None, timedelta]] = {
    "all": (None, timedelta(days=7)),
    "month": (timedelta(days=35), timedelta(days=1)),
    "recent": (timedelta(days=2), timedelta(hours=1)),
}


def due_level(state: dict[str, Any], clock: datetime, head: str | None = None) -> str | None:
    """The widest reconciliation that is due; a wide one covers the narrower ones.

    Args:
        state: the cursors.
        clock: the source's.
        head: its schema revision: a migration may have rewritten or lost any row.
    """
    done = state.get("reconciled", {})
    if not done:        # the first load was a full read
        return None
    if head is not None and state.get("head", head) != head:
        return "all"
    for level, (_, every) in RECONCILE_LEVELS.items():
        last = done.get(level)
        if last is None or not timedelta(0) <= clock - datetime.fromisoformat(last) < every:
            return level
    return None


def reconcile(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
              state: dict[str, Any], level: str, pace: Pace) -> Iterator[Reading]:
    """Compare slices by count and hash; read again what differs, bury what is gone."""
    reach, _ = RECONCILE_LEVELS[level]
    after = _reconciled(session, state, level)
    since = session.clock - min(reach or pace.history, pace.detail)
    where = _reconcile_scope(session, state, since)
    differing, known = _differing(session, con, cluster, where)
    for start in range(0, len(differing), pace.page_runs):
        rows = read_runs(session, queries.runs_in(differing[start:start + pace.page_runs]))
        reading = reading_of(session, "reconcile", rows, state)
        reading.whole_runs = runs_of(rows)
        yield reading
    for table in session.tables("append"):
        yield from _reconcile_appended(session, con, cluster, table, state)
    reading = reading_of(session, "reconcile", {}, after)
    known = _with_moved(session, con, cluster, known, None if reach is None else since)
    reading.gone_runs = _gone_runs(session, con, cluster, known, None if reach is None else since)
    yield reading


def completed(session: Session, state: dict[str, Any]) -> Reading:
    """The end of the first load: everything has just been read whole, so nothing is due."""
    return reading_of(session, "history", {}, _reconciled(session, state, "all"))


def _reconciled(session: Session, state: dict[str, Any], level: str) -> dict[str, Any]:
    levels = list(RECONCILE_LEVELS)
    covered = levels[levels.index(level):]
    now = session.clock.isoformat(sep=" ")
    done = {**state.get("reconciled", {}), **dict.fromkeys(covered, now)}
    # Until everything was compared, what is missing may be what the migration lost.
    head = {"head": session.recognised.head} if level == "all" else {}
    return {**state, "reconciled": done, **head}


def _reconcile_scope(session: Session, state: dict[str, Any], since: datetime) -> str:
    """Condition on `dr`: runs since then that have been landed."""
    source = session.source
    where = f"{queries.run_dates(source)} >= {source.instant(since)}"
    cursor = state.get("history")
    return f"{where} and dr.id >= {int(cursor)}" if cursor is not None else where


def _differing(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
               where: str) -> tuple[list[int], pa.Table]:
    """Ids of runs that differ, and all runs (id, dag_id, run_id) of the scope at the source."""
    schema = pa.schema([("id", pa.int64()), ("dag_id", pa.string()), ("run_id", pa.string())])
    known = pa.Table.from_batches(list(session.reader.stream(
        f"select dr.id, dr.dag_id, dr.run_id from dag_run dr where {where}", schema)), schema)
    if session.source.dialect == "sqlite":
        # SQLite has no hash function; its databases are small, so every run is compared row by row.
        return sorted(known["id"].to_pylist(), reverse=True), known
    differing: set[int] = set()
    digest = pa.schema([("id", pa.int64()), ("row_count", pa.int64()), ("digest", pa.string())])
    con.register("known_runs", known)
    for table in session.tables("run"):
        sql = queries.digests(session.source, table, where)
        there = pa.Table.from_batches(list(session.reader.stream(sql, digest)), digest)
        con.register("there", there)
        landed = queries.landing_digests(session.source, table, landing_name(SOURCE, table.name))
        differing |= {int(r[0]) for r in con.execute(
            f"with here as ({landed}) select k.id from known_runs as k "
            "left join there as t on t.id = k.id "
            "left join here as h on h.dag_id = k.dag_id and h.run_id = k.run_id "
            "where coalesce(t.row_count, 0) <> coalesce(h.row_count, 0) "
            "or coalesce(cast(t.digest as hugeint), 0) <> coalesce(h.digest, 0)",
            [cluster]).fetchall()}
        con.unregister("there")
    con.unregister("known_runs")
    return sorted(differing, reverse=True), known


_RUN_DATE = "coalesce(l.start_date, l.queued_at, l.run_after, l.execution_date, l.logical_date)"


def _with_moved(session: Session, con: duckdb.DuckDBPyConnection, cluster: str, known: pa.Table,
                since: datetime | None) -> pa.Table:
    """`known`, with the landed runs that are still there though their date left the scope."""
    landed = landing_name(SOURCE, "dag_run")
    con.register("known_runs", known)
    scope = "true" if since is None else f"{_RUN_DATE} >= timestamp '{since}'"
    ids = [int(r[0]) for r in con.execute(
        f'select l.id from landing."{landed}" as l where l.cluster = $1 '
        f"and l._deleted_at is null and l.id is not null and {scope} and not exists ("
        "select 1 from known_runs as k where k.dag_id = l.dag_id and k.run_id = l.run_id)",
        [cluster]).fetchall()]
    con.unregister("known_runs")
    parts = [known]
    for start in range(0, len(ids), 5_000):
        sql = ("select dr.id, dr.dag_id, dr.run_id from dag_run dr where "
               + queries.runs_in(ids[start:start + 5_000]))
        parts.append(pa.Table.from_batches(
            list(session.reader.stream(sql, known.schema)), known.schema))
    return pa.concat_tables(parts)


def _gone_runs(session: Session, con: duckdb.DuckDBPyConnection, cluster: str, known: pa.Table,
               since: datetime | None) -> pa.Table:
    """Landed runs that the source does not have any more, with why they went.

    `airflow db clean` takes every run that started before a day, but the newest of each DAG that is
    not manual (2.x: not triggered from outside, as subdags are): a run that went while nothing as
    old survives but what it spares went by retention.
    """
    landed = landing_name(SOURCE, "dag_run")
    con.register("known_runs", known)
    scope = "true" if since is None else f"{_RUN_DATE} >= timestamp '{since}'"
    rows = con.sql(f"""
        with landed as (
            select l.dag_id, l.run_id, l.start_date as began_at,
                coalesce(l.external_trigger, l.run_type = 'manual', false) as is_manual,
                k.id is not null as is_there
            from landing."{landed}" as l
            left join known_runs as k on k.dag_id = l.dag_id and k.run_id = l.run_id
            where l.cluster = $cluster and l._deleted_at is null and {scope}
        ),
        survivors as (
            select *, row_number() over (partition by dag_id, is_manual
                order by began_at desc, run_id) = 1 and not is_manual as is_spared
            from landed where is_there and began_at is not null
        ),
        spared as (select dag_id, began_at from survivors where is_spared),
        oldest as (select min(began_at) as began_at from survivors where not is_spared)
        select gone.dag_id, gone.run_id,
            case when gone.began_at < timestamp '{session.clock}' - interval 1 day
                and gone.began_at < coalesce(oldest.began_at, timestamp 'infinity')
                and (gone.is_manual or gone.began_at <= spared.began_at)
                then 'retention' else 'deleted' end as reason
        from landed as gone cross join oldest left join spared using (dag_id)
        where not gone.is_there and not starts_with(gone.run_id, 'missing_dag_run__')
        """, params={"cluster": cluster}).to_arrow_table()
    con.unregister("known_runs")
    return rows


def _reconcile_appended(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
                        table: Table, state: dict[str, Any]) -> Iterator[Reading]:
    """Compare append tables by the number of rows per slice of ids."""
    marks = state.get("append", {}).get(table.name)
    if marks is None:
        return
    # Below the floor they expired: the source may have them still.
    low = max(int(marks.get("from") or 0), int(marks.get("floor") or 0))
    high = int(marks["old"][1]) + 1
    width = 10_000
    bucket = {"mysql": f"t.id div {width}"}.get(session.source.dialect, f"t.id / {width}")
    there: dict[int, int] = dict(session.reader.rows(
        queries.count_by(session.source, table, bucket, f"t.id >= {low} and t.id < {high}")))
    here = dict(con.execute(
        f'select id // {width}, count(*) from landing."{landing_name(SOURCE, table.name)}" '
        f"where cluster = $1 and _deleted_at is null and id >= {low} and id < {high} group by 1",
        [cluster]).fetchall())
    for number in sorted({int(n) for n in {*there, *here}}):
        if there.get(number, 0) != here.get(number, 0):
            first, last = max(low, number * width), min(high, (number + 1) * width)
            rows = read(session, table, f"t.id >= {first} and t.id < {last}")
            reading = reading_of(session, "reconcile", {table.name: rows}, state)
            reading.ranges = {table.name: (first, last)}
            yield reading
