"""Lets quarantined batches try the gate again, after Windsock or the source was mended.

    <warehouse>/quarantine/<source>/<cluster>/<table>/<load>-<digest>.parquet  ->  the door
"""

import logging
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from ingest import gate
from ingest.contracts import ARROW_TYPES, Table
from ingest.door import Door, Reading, land, last_state
from ingest.profile import profile

LOG = logging.getLogger("windsock.replay")


def replay(door: Door) -> tuple[int, int]:
    """Land the quarantined batches of one cluster that pass the gate now.

    Rows that have landed from elsewhere since are newer and stay: a quarantined image never
    replaces a landed one.

    Returns:
        How many batches passed, and how many stay where they are.
    """
    passed = kept = 0
    folder = door.quarantine / door.source / door.cluster
    for path in sorted(folder.glob("*/*.parquet")):
        table = door.tables.get(path.parent.name)
        if table is None:
            kept += 1
            continue
        rows = _as_promised(table, pq.read_table(path))
        if gate.judge(profile(table, rows)):
            kept += 1
            continue
        rows = _unlanded(door, table, rows)
        state = last_state(door.con, door.source, door.cluster)
        land(door, Reading("replay", _observed_at(door), {table.name: rows}, state=state))
        path.unlink()
        path.with_name(f"{path.name}.json").unlink(missing_ok=True)
        passed += 1
        LOG.info("cluster=%s table=%s event=replayed rows=%d", door.cluster, table.name,
                 rows.num_rows)
    return passed, kept


def _observed_at(door: Door) -> datetime:
    [(at,)] = door.con.execute(
        "select max(observed_at) from landing.loads where cluster = $1",
        [door.cluster]).fetchall()
    if not isinstance(at, datetime):
        raise AssertionError("a quarantined batch has a load")
    return at


def _as_promised(table: Table, rows: pa.Table) -> pa.Table:
    """The rows in the contract's types where every value allows it; else as they are."""
    columns = {}
    for name, kind in table.columns.items():
        column = rows[name] if name in rows.column_names else pa.nulls(rows.num_rows)
        try:
            columns[name] = column.cast(ARROW_TYPES[kind])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            columns[name] = column
    return pa.table(columns)


def _unlanded(door: Door, table: Table, rows: pa.Table) -> pa.Table:
    """The rows whose key is not landed."""
    numbered = rows.append_column("_position", pa.array(range(rows.num_rows), pa.int64()))
    door.con.register("quarantined", numbered)
    key = " and ".join(f'l."{c}" = q."{c}"' for c in table.key)
    positions = [p for (p,) in door.con.execute(
        f'select q._position from quarantined as q anti join landing."{door.source}__{table.name}" '
        f"as l on l.cluster = $1 and {key}", [door.cluster]).fetchall()]
    door.con.unregister("quarantined")
    return rows.take(pa.array(sorted(positions), pa.int64()))
