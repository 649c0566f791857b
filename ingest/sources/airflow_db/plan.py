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
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from ingest.contracts import landing_name
from ingest.door import Reading
from ingest.sources.airflow_db import beside, queries
from ingest.sources.airflow_db.extract import (
    MISSING_RUN,
    Session,
    read,
    read_orphans,
    read_runs,
    run_ids,
)
from ingest.sources.airflow_db.steps import SOURCE, Pace, reading_of, runs_of
from ingest.sources.airflow_db.tables import TABLES

_SCAN_ROWS = 2_000_000      # up to here `updated_at` of all instances is looked through every time
_SCAN_EVERY = timedelta(minutes=10)
_ROWS_A_STEP = 200_000      # about so many instances a history step


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
        whole = reading_of(session, "increment", read_runs(session, queries.runs_in(page)), state)
        whole.whole_runs = runs_of(whole.rows)
        yield whole
    rows = read_runs(session, queries.runs_in(pages[-1])) if pages[-1] else {}
    runs = runs_of(rows)
    rows |= {t.name: read(session, t) for t in session.tables("whole")}
    rows |= beside.heavy(session, con, cluster)
    rows |= beside.recent(session, con, cluster, state)
    rows |= beside.appended(session, state, after, pace)
    orphans = _orphans(session, con, cluster, state)
    if orphans is not None:
        yield orphans
    after.setdefault("head", session.recognised.head)
    after["watermark"] = session.clock.isoformat(sep=" ")
    reading = reading_of(session, "increment", rows, after)
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
        "select distinct dag_id, run_id "
        f'from landing."{landing_name(SOURCE, "task_instance")}" where cluster = $cluster '
        f"and _deleted_at is null and starts_with(run_id, '{MISSING_RUN}')",
        params={"cluster": cluster}).to_arrow_table()
    if not rows.num_rows and not landed.num_rows:
        return None
    reading = reading_of(session, "increment", {"task_instance": rows}, state)
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
            return beside.append_slice(session, state, TABLES[name], int(marks["from"]), horizon)
    return None


def history_done_ratio(session: Session, state: dict[str, Any]) -> float:
    """How much of the first load is done, 0 to 1, by run ids."""
    cursor = state.get("history")
    if cursor is None:
        return 1.0
    newest = _first_history_cursor(session) or 1
    return max(0.0, 1.0 - float(cursor) / newest)


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
        f"select id from dag_run where id < {cursor} "
        f"order by id desc limit {_page(session, pace)}")]
    after = dict(state)
    if not ids:
        after["history"] = None
        return reading_of(session, "history", {}, after)
    rows = read_runs(session, queries.runs_between(ids[-1], cursor))
    after["history"] = ids[-1] if len(ids) == _page(session, pace) else None
    # Strings where a value is no instant: the gate will say so.
    newest = [d for d in rows["dag_run"]["start_date"].to_pylist() if isinstance(d, datetime)]
    if newest and max(newest) < horizon:
        after["history"] = None
    reading = reading_of(session, "history", rows, after)
    reading.whole_runs = runs_of(rows)
    return reading


def _page(session: Session, pace: Pace) -> int:
    """Runs a step, so that a step has about `_ROWS_A_STEP` instances."""
    instances = session.reader.row_estimate("task_instance") or 1
    runs = session.reader.row_estimate("dag_run") or 1
    return max(1, min(pace.page_runs, int(_ROWS_A_STEP / max(1.0, instances / max(1, runs)))))
