"""Tables that are not read with runs: structures and code, jobs, audit rows and events."""

from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from ingest.contracts import Table, landing_name
from ingest.door import Reading
from ingest.sources.airflow_db.extract import Session, read, read_code, read_structures
from ingest.sources.airflow_db.steps import SOURCE, Pace, reading_of
from ingest.sources.airflow_db.tables import TABLES
from ingest.sources.airflow_db.transform import STRUCTURE_TABLES

_ID_SLICE = 200_000         # audit rows a history step


def heavy(session: Session, con: duckdb.DuckDBPyConnection, cluster: str) -> dict[str, pa.Table]:
    """Serialized DAGs and DAG code: the small columns whole, the bodies only where new."""
    rows = {t.name: read(session, t) for t in session.tables("heavy")}
    if "dag_code" in rows and session.options.source_code:
        rows["dag_code"] = _with_code(session, con, cluster, rows["dag_code"])
    if "serialized_dag" not in rows:
        return rows
    serialized = rows["serialized_dag"]
    con.register("serialized", serialized)
    wanted = con.execute(
        "select s.dag_id, s.dag_version_id, s.dag_hash "
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
        f"select count(*), min(c.last_updated) from code as c left join {landed} as l "
        "on l.cluster = $1 and l.code_key = c.code_key "
        "where l.last_updated is distinct from c.last_updated or l.source_code is null",
        [cluster]).fetchall()
    no_text = pa.table({n: pa.array([], pa.string())
                        for n in ("code_key", "source_hash", "source_code")})
    con.register("texts", read_code(session, since) if count else no_text)
    done = con.sql(
        "select c.* replace (coalesce(c.source_hash, t.source_hash, l.source_hash) as source_hash, "
        "coalesce(t.source_code, l.source_code) as source_code) from code as c "
        f"left join texts as t on t.code_key = c.code_key left join {landed} as l "
        "on l.cluster = $cluster and l.code_key = c.code_key", params={"cluster": cluster},
    ).to_arrow_table().cast(rows.schema)
    con.unregister("code")
    con.unregister("texts")
    return done


def recent(session: Session, con: duckdb.DuckDBPyConnection, cluster: str,
            state: dict[str, Any]) -> dict[str, pa.Table]:
    """Jobs with a recent heartbeat, and those that are landed as running."""
    table = TABLES["job"]
    still_open = [int(r[0]) for r in con.execute(
        f'select id from landing."{landing_name(SOURCE, "job")}" '
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


def appended(session: Session, state: dict[str, Any], after: dict[str, Any],
              pace: Pace) -> dict[str, pa.Table]:
    """Rows of append tables from the older of two marks on: ids are given before commits."""
    rows = {}
    marks_after: dict[str, Any] = dict(state.get("append", {}))
    for table in session.tables("append"):
        newest = int(session.reader.rows(
            f"select coalesce(max(id), 0) from {session.source.quote(table.name)}")[0][0])
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


def append_slice(session: Session, state: dict[str, Any], table: Table, cursor: int,
                  horizon: datetime) -> Reading:
    """The next older slice of an append table."""
    low = max(0, cursor - _ID_SLICE)
    rows = read(session, table, f"t.id >= {low} and t.id < {cursor}")
    dates = rows["dttm" if table.name == "log" else "timestamp"]
    known = [d for d in dates.to_pylist() if isinstance(d, datetime)]
    is_done = low == 0 or (bool(known) and max(known) < horizon)
    marks = {**state["append"][table.name], "from": None if is_done else low}
    after = {**state, "append": {**state["append"], table.name: marks}}
    return reading_of(session, "history", {table.name: rows}, after)
