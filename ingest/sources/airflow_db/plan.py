"""What one landing reads, step by step, and the cursors after each step.

    increment  unfinished + touched runs, whole tables, appended rows, structures that are new
    history    older runs and audit rows, newest first, a slice a step (first load of years)
    reconcile  runs whose count or hash differs from what is landed; runs that are gone

Cursors (`state`): `watermark` (source's clock at the start of the last increment), `history`
(everything with a smaller run id is still to come; null = done), `append` (per table two marks of
[clock, id]; `from`: everything below that id is still to come), `reconciled` (level -> clock),
`head` (schema revision when everything was last compared).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from ingest.contracts import Table, landing_name
from ingest.door import Reading
from ingest.sources.airflow_db import queries
from ingest.sources.airflow_db.extract import (
    MISSING_RUN,
    Session,
    read,
    read_code,
    read_orphans,
    read_runs,
    read_structures,
    run_ids,
)
from ingest.sources.airflow_db.tables import TABLES
from ingest.sources.airflow_db.transform import STRUCTURE_TABLES

SOURCE = "airflow_db"
# name -> (how far back, how often)
RECONCILE_LEVELS: dict[str, tuple[timedelta | None, timedelta]] = {
    "all": (None, timedelta(days=7)),
    "month": (timedelta(days=35), timedelta(days=1)),
    "recent": (timedelta(days=2), timedelta(hours=1)),
}
_SCAN_ROWS = 2_000_000      # up to here `updated_at` of all instances is looked through every time
_SCAN_EVERY = timedelta(minutes=10)
_ID_SLICE = 200_000         # audit rows a history step
_ROWS_A_STEP = 200_000      # about so many instances a history step


@dataclass(frozen=True)
class Pace:
    """How a landing proceeds.

    Attributes:
        overlap: how far behind the watermark rows are read again.
        history: how far back the first landing goes.
        page_runs: runs a step, at most.
    """

    overlap: timedelta = timedelta(hours=1)
    history: timedelta = timedelta(days=400)
    page_runs: int = 20_000


def increment(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
              state: dict[str, Any], pace: Pace) -> Iterator[Reading]:
    """The steps of an increment: usually one.

    The watermark moves with the last step only, so a killed increment begins anew and finds what
    is already landed unchanged.
    """
    after = dict(state)
    ids = _changed_runs(session, state, pace, after)
    if "history" not in state:
        after["history"] = _first_history_cursor(session)
    pages = [ids[i:i + pace.page_runs] for i in range(0, len(ids), pace.page_runs)] or [[]]
    for page in pages[:-1]:
        whole = _reading(session, "increment", read_runs(session, queries.runs_in(page)), state)
        whole.whole_runs = _runs_of(whole.rows)
        yield whole
    rows = read_runs(session, queries.runs_in(pages[-1])) if pages[-1] else {}
    runs = _runs_of(rows)
    rows |= {t.name: read(session, t) for t in session.tables("whole")}
    rows |= _heavy(session, con, cluster)
    rows |= _recent(session, con, cluster, state)
    rows |= _appended(session, state, after, pace)
    orphans = _orphans(session, con, cluster, state)
    if orphans is not None:
        yield orphans
    after.setdefault("head", session.recognised.head)
    after["watermark"] = session.clock.isoformat(sep=" ")
    reading = _reading(session, "increment", rows, after)
    reading.whole_runs = runs
    reading.whole_tables = frozenset(
        t.name for t in session.tables("whole", "heavy") if t.name != "dag_code")
    yield reading


def _orphans(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
             state: dict[str, Any]) -> Reading | None:
    """Instances without a run, a step of its own; those that have a run by now are buried."""
    rows = read_orphans(session)
    if rows is None:
        return None
    landed = con.sql(
        "select distinct dag_id, run_id "  # noqa: S608
        f'from landing."{landing_name(SOURCE, "task_instance")}" where cluster = $cluster '
        f"and _deleted_at is null and starts_with(run_id, '{MISSING_RUN}')",
        params={"cluster": cluster}).to_arrow_table()
    if not rows.num_rows and not landed.num_rows:
        return None
    reading = _reading(session, "increment", {"task_instance": rows}, state)
    runs = rows.select(["dag_id", "run_id"])
    reading.whole_runs = pa.concat_tables([runs, landed.cast(runs.schema)])
    return reading


def history(session: Session, state: dict[str, Any], pace: Pace) -> Reading | None:
    """The next older slice; None when the history is complete."""
    horizon = session.clock - pace.history
    if state.get("history") is not None:
        return _run_slice(session, state, pace, horizon)
    for name, marks in state.get("append", {}).items():
        if marks.get("from") is not None and name in session.source.columns:
            return _append_slice(session, state, TABLES[name], int(marks["from"]), horizon)
    return None


def completed(session: Session, state: dict[str, Any]) -> Reading:
    """The end of the first load: everything has just been read whole, so nothing is due."""
    return _reading(session, "history", {}, _reconciled(session, state, "all"))


def history_done_ratio(session: Session, state: dict[str, Any]) -> float:
    """How much of the first load is done, 0 to 1, by run ids."""
    cursor = state.get("history")
    if cursor is None:
        return 1.0
    newest = _first_history_cursor(session) or 1
    return max(0.0, 1 - cursor / newest)


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
    since = session.clock - (reach or pace.history)
    where = _reconcile_scope(session, state, since)
    differing, known = _differing(session, con, cluster, where)
    for start in range(0, len(differing), pace.page_runs):
        rows = read_runs(session, queries.runs_in(differing[start:start + pace.page_runs]))
        reading = _reading(session, "reconcile", rows, state)
        reading.whole_runs = _runs_of(rows)
        yield reading
    for table in session.tables("append"):
        yield from _reconcile_appended(session, con, cluster, table, state)
    reading = _reading(session, "reconcile", {}, after)
    known = _with_moved(session, con, cluster, known, reach and since)
    reading.gone_runs = _gone_runs(session, con, cluster, known, reach and since)
    yield reading


# --- runs --------------------------------------------------------------------------------------

def _changed_runs(session: Session, state: dict[str, Any], pace: Pace,
                  after: dict[str, Any]) -> list[int]:
    source = session.source
    ids = set(run_ids(session, queries.unfinished_runs(source)))
    if "watermark" in state:
        # A source clock that was set back must not hide what was written under it.
        mark = min(datetime.fromisoformat(state["watermark"]), session.clock)
        since = mark - pace.overlap
        ids |= set(run_ids(session, queries.touched_runs(source, since)))
        if _is_scan_due(session, state, after):
            scanned = datetime.fromisoformat(state.get("scanned", state["watermark"]))
            since = min(scanned, session.clock) - pace.overlap
            ids |= set(run_ids(session, queries.runs_of_touched_instances(source, since)))
    else:
        after["scanned"] = session.clock.isoformat(sep=" ")
    return sorted(ids, reverse=True)


def _is_scan_due(session: Session, state: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether to look through `updated_at` of all instances, which no index serves."""
    estimate = session.reader.row_estimate("task_instance") or 0
    last = state.get("scanned")
    if (estimate > _SCAN_ROWS and last is not None
            and timedelta(0) <= session.clock - datetime.fromisoformat(last) < _SCAN_EVERY):
        return False
    after["scanned"] = session.clock.isoformat(sep=" ")
    return True


def _first_history_cursor(session: Session) -> int | None:
    newest = session.reader.rows("select max(id) from dag_run")[0][0]
    return None if newest is None else int(newest) + 1


def _run_slice(session: Session, state: dict[str, Any], pace: Pace,
               horizon: datetime) -> Reading:
    cursor = int(state["history"])
    ids = [int(r[0]) for r in session.reader.rows(
        f"select id from dag_run where id < {cursor} "  # noqa: S608
        f"order by id desc limit {_page(session, pace)}")]
    after = dict(state)
    if not ids:
        after["history"] = None
        return _reading(session, "history", {}, after)
    rows = read_runs(session, queries.runs_between(ids[-1], cursor))
    after["history"] = ids[-1] if len(ids) == _page(session, pace) else None
    # Strings where a value is no instant: the gate will say so.
    newest = [d for d in rows["dag_run"]["start_date"].to_pylist() if isinstance(d, datetime)]
    if newest and max(newest) < horizon:
        after["history"] = None
    reading = _reading(session, "history", rows, after)
    reading.whole_runs = _runs_of(rows)
    return reading


def _page(session: Session, pace: Pace) -> int:
    """Runs a step, so that a step has about `_ROWS_A_STEP` instances."""
    instances = session.reader.row_estimate("task_instance") or 1
    runs = session.reader.row_estimate("dag_run") or 1
    return max(1, min(pace.page_runs, int(_ROWS_A_STEP / max(1.0, instances / max(1, runs)))))


def _runs_of(rows: dict[str, pa.Table]) -> pa.Table | None:
    return rows["dag_run"].select(["dag_id", "run_id"]) if "dag_run" in rows else None


# --- tables that are not read with runs --------------------------------------------------------

def _heavy(session: Session, con: duckdb.DuckDBPyConnection, cluster: str) -> dict[str, pa.Table]:
    """Serialized DAGs and DAG code: the small columns whole, the bodies only where new."""
    rows = {t.name: read(session, t) for t in session.tables("heavy")}
    if "dag_code" in rows and session.options.source_code:
        rows["dag_code"] = _with_code(session, con, cluster, rows["dag_code"])
    if "serialized_dag" not in rows:
        return rows
    serialized = rows["serialized_dag"]
    con.register("serialized", serialized)
    wanted = con.execute(
        "select s.dag_id, s.dag_version_id, s.dag_hash "  # noqa: S608
        f'from serialized as s left join landing."{landing_name(SOURCE, "dag_structure")}" as d '
        "on d.cluster = $1 and d.dag_id = s.dag_id and d.dag_version_id = s.dag_version_id "
        "and d.dag_hash = s.dag_hash where d.dag_id is null",
        [cluster]).fetchall()
    con.unregister("serialized")
    parts = list(read_structures(session, wanted)) if wanted else []
    for name in STRUCTURE_TABLES:
        tables = [p[name] for p in parts if p[name].num_rows]
        if tables:
            rows[name] = pa.concat_tables(tables)
    return rows


def _with_code(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
               rows: pa.Table) -> pa.Table:
    """DAG files with their texts (an opt-in), read only of those that changed."""
    if not pa.types.is_timestamp(rows["last_updated"].type):
        return rows         # not what was promised: the gate will say so
    landed = f'landing."{landing_name(SOURCE, "dag_code")}"'
    con.register("code", rows)
    [(count, since)] = con.execute(
        f"select count(*), min(c.last_updated) from code as c left join {landed} as l "  # noqa: S608
        "on l.cluster = $1 and l.code_key = c.code_key "
        "where l.last_updated is distinct from c.last_updated or l.source_code is null",
        [cluster]).fetchall()
    no_text = pa.table({n: pa.array([], pa.string())
                        for n in ("code_key", "source_hash", "source_code")})
    con.register("texts", read_code(session, since) if count else no_text)
    done = con.sql(
        "select c.* replace (coalesce(c.source_hash, t.source_hash, l.source_hash) as source_hash, "  # noqa: S608
        "coalesce(t.source_code, l.source_code) as source_code) from code as c "
        f"left join texts as t on t.code_key = c.code_key left join {landed} as l "
        "on l.cluster = $cluster and l.code_key = c.code_key", params={"cluster": cluster},
    ).to_arrow_table().cast(rows.schema)
    con.unregister("code")
    con.unregister("texts")
    return done


def _recent(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
            state: dict[str, Any]) -> dict[str, pa.Table]:
    """Jobs with a recent heartbeat, and those that are landed as running."""
    table = TABLES["job"]
    still_open = [int(r[0]) for r in con.execute(
        f'select id from landing."{landing_name(SOURCE, "job")}" '  # noqa: S608
        "where cluster = $1 and state = 'running' and _deleted_at is null", [cluster]).fetchall()]
    where = "t.state is null or t.state <> 'success'"
    where = f"t.job_type <> 'LocalTaskJob' or {where}" if session.source.has("job", "job_type") \
        else "1 = 1"
    if "watermark" in state:
        since = datetime.fromisoformat(state["watermark"]) - timedelta(hours=1)
        where = f"t.latest_heartbeat >= {session.source.instant(since)} and ({where})"
    if still_open:
        where = f"({where}) or t.id in ({', '.join(map(str, still_open))})"
    return {"job": read(session, table, where)}


def _appended(session: Session, state: dict[str, Any], after: dict[str, Any],
              pace: Pace) -> dict[str, pa.Table]:
    """Rows of append tables from the older of two marks on: ids are given before commits."""
    rows = {}
    marks_after: dict[str, Any] = dict(state.get("append", {}))
    for table in session.tables("append"):
        newest = int(session.reader.rows(
            f"select coalesce(max(id), 0) from {session.source.quote(table.name)}")[0][0])  # noqa: S608
        now = [session.clock.isoformat(sep=" "), newest]
        marks = marks_after.get(table.name)
        if marks is None:
            low = max(0, newest - _ID_SLICE)
            marks_after[table.name] = {"old": now, "new": now, "from": low + 1 if low else None}
        else:
            low = int(marks["old"][1])
            age = session.clock - datetime.fromisoformat(marks["new"][0])
            if age >= pace.overlap or age < timedelta(0):
                marks_after[table.name] = {**marks, "old": marks["new"], "new": now}
        rows[table.name] = read(session, table, f"t.id > {low}")
    after["append"] = marks_after
    return rows


def _append_slice(session: Session, state: dict[str, Any], table: Table, cursor: int,
                  horizon: datetime) -> Reading:
    low = max(0, cursor - _ID_SLICE)
    rows = read(session, table, f"t.id >= {low} and t.id < {cursor}")
    dates = rows["dttm" if table.name == "log" else "timestamp"]
    known = [d for d in dates.to_pylist() if isinstance(d, datetime)]
    is_done = low == 0 or (bool(known) and max(known) < horizon)
    marks = {**state["append"][table.name], "from": None if is_done else low}
    after = {**state, "append": {**state["append"], table.name: marks}}
    return _reading(session, "history", {table.name: rows}, after)


# --- reconciliation ----------------------------------------------------------------------------

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
        f"select dr.id, dr.dag_id, dr.run_id from dag_run dr where {where}", schema)), schema)  # noqa: S608
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
            f"with here as ({landed}) select k.id from known_runs as k "  # noqa: S608
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
        f'select l.id from landing."{landed}" as l where l.cluster = $1 '  # noqa: S608
        f"and l._deleted_at is null and l.id is not null and {scope} and not exists ("
        "select 1 from known_runs as k where k.dag_id = l.dag_id and k.run_id = l.run_id)",
        [cluster]).fetchall()]
    con.unregister("known_runs")
    parts = [known]
    for start in range(0, len(ids), 5_000):
        sql = ("select dr.id, dr.dag_id, dr.run_id from dag_run dr where "  # noqa: S608
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
        """, params={"cluster": cluster}).to_arrow_table()  # noqa: S608
    con.unregister("known_runs")
    return rows


def _reconcile_appended(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
                        table: Table, state: dict[str, Any]) -> Iterator[Reading]:
    """Compare append tables by the number of rows per slice of ids."""
    marks = state.get("append", {}).get(table.name)
    if marks is None:
        return
    low, high = int(marks.get("from") or 0), int(marks["old"][1]) + 1
    width = 10_000
    bucket = {"mysql": f"t.id div {width}"}.get(session.source.dialect, f"t.id / {width}")
    there = dict(session.reader.rows(
        queries.count_by(session.source, table, bucket, f"t.id >= {low} and t.id < {high}")))
    here = dict(con.execute(
        f'select id // {width}, count(*) from landing."{landing_name(SOURCE, table.name)}" '  # noqa: S608
        f"where cluster = $1 and _deleted_at is null and id >= {low} and id < {high} group by 1",
        [cluster]).fetchall())
    for number in sorted({int(n) for n in {*there, *here}}):
        if there.get(number, 0) != here.get(number, 0):
            first, last = max(low, number * width), min(high, (number + 1) * width)
            rows = read(session, table, f"t.id >= {first} and t.id < {last}")
            reading = _reading(session, "reconcile", {table.name: rows}, state)
            reading.ranges = {table.name: (first, last)}
            yield reading


def _reading(session: Session, kind: str, rows: dict[str, pa.Table],
             state: dict[str, Any]) -> Reading:
    recognised = session.recognised
    facts = {
        **session.facts,
        "airflow_version": recognised.version, "alembic_head": recognised.head,
        "dialect": session.source.dialect, "warnings": list(recognised.warnings),
        "replication_lag_seconds": session.reader.replication_lag_seconds(),
    }
    # What a migration did not carry over (2.x -> 3.x on SQLite empties the task tables) is
    # forgotten by Airflow, not deleted by a person.
    is_migrated = "head" in state and state["head"] != recognised.head
    return Reading(kind, session.clock, rows, state=state, facts=facts,
                   vanish_reason="retention" if is_migrated else "deleted")
