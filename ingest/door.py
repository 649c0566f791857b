"""The one door: what was read is flagged, gated, compared, archived and applied.

    Reading (rows of some tables, and which keys it covers whole)
      -> profile + gate            structural fault: the batch is set aside whole, with the reason
      -> changed rows + tombstones compared with what is landed
      -> archive: batches, then the manifest
      -> build file: rows, tombstones and cursors in one transaction
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingest import gate, run_loads
from ingest.apply import apply_load
from ingest.archive import Archive, Batch, Manifest, Quarantined, parquet_bytes
from ingest.contracts import STAMPS, Table, batch_schema, landing_name
from ingest.profile import ColumnProfile, profile, row_flags
from ingest.stamps import stamp_parameters, stamps_of, tombstone_columns
from windsock import clock, effects


@dataclass
class Reading:
    """What one step of a landing read, from one consistent view.

    Attributes:
        kind: increment, history, reconcile or replay.
        observed_at: the source's clock at the start of the view, UTC without a zone.
        rows: table -> rows in the contract's columns.
        whole_tables: tables that were read whole: what is not among the rows is gone.
        whole_runs: runs (dag_id, run_id) that were read whole: their other rows are gone.
        gone_runs: runs that are gone with everything of theirs: (dag_id, run_id, reason).
        ranges: append tables of which [low, high) of the ids was read whole.
        vanish_reason: why rows of runs that are not there any more went: deleted or retention.
        state: the cursors after this step.
        facts: version, warnings, replication lag and the like.
    """

    kind: str
    observed_at: datetime
    rows: dict[str, pa.Table]
    whole_tables: frozenset[str] = frozenset()
    whole_runs: pa.Table | None = None
    gone_runs: pa.Table | None = None
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    vanish_reason: str = "deleted"
    state: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """Where one source of one cluster is landed.

    Attributes:
        con: the build file, open for writing.
        archive: the archive.
        quarantine: folder for batches that failed the gate.
        marker: file that names the load under way, so that a killed one can be cleared.
        scratch: folder for short-lived copies.
        source: name of the kind of source, such as `airflow_db`.
        cluster: configured name.
        source_uri: where rows come from, without a password.
        tables: contracts by name.
        states: the states that a table's `state` column may have.
    """

    con: duckdb.DuckDBPyConnection
    archive: Archive
    quarantine: Path
    marker: Path
    scratch: Path
    source: str
    cluster: str
    source_uri: str
    tables: dict[str, Table]
    states: dict[str, frozenset[str]]


def land(door: Door, reading: Reading) -> Manifest:
    """Bring one reading through the door.

    Returns:
        The manifest of the load.

    Raises:
        ArchiveError: the archive could not be written; nothing counts.
        duckdb.Error: the build file could not be written; the archive has the load, and the next
            landing applies it.
    """
    manifest = _open_manifest(door, reading)
    reasons = gate.judge(_profiles(door, reading.rows))
    batches: list[Batch] = []
    set_aside: list[Quarantined] = []
    place = _place_of_runs(door, reading)
    fresh = _fresh_tables(door, reading)
    _mark(door, manifest)
    for name, rows in reading.rows.items():
        if name in reasons:
            set_aside += _quarantine(door, manifest, name, rows, reasons[name])
            continue
        is_fresh = name in fresh
        changes = (_stamped(door, manifest, door.tables[name], rows) if is_fresh
                   else _changes(door, reading, manifest, door.tables[name], rows, place))
        if changes.num_rows:
            batches.append(door.archive.write_batch(manifest, name, changes, is_fresh=is_fresh))
    batches += _gone_batches(door, reading, manifest, {b.table for b in batches})
    digests = {q.table: q.path.rsplit("-", 1)[-1].removesuffix(".parquet") for q in set_aside}
    state = {**reading.state, "quarantined": {**_known_bad(door), **digests}}
    manifest = replace(manifest, batches=tuple(batches), quarantined=tuple(set_aside), state=state)
    door.archive.commit(manifest)
    apply_load(door.con, door.archive, manifest, door.tables, door.scratch)
    door.marker.unlink(missing_ok=True)
    return manifest


def last_state(con: duckdb.DuckDBPyConnection, source: str, cluster: str) -> dict[str, Any]:
    """The cursors after the newest load of a source of a cluster; empty before the first."""
    rows = con.execute(
        "select state from landing.loads where source = $1 and cluster = $2 "
        "order by load_number desc limit 1", [source, cluster]).fetchall()
    state: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
    return state


def _open_manifest(door: Door, reading: Reading) -> Manifest:
    [(last,)] = door.con.execute("select max(load_number) from landing.loads").fetchall()
    number = int(last or 0) + 1
    loaded_at = clock.now().replace(tzinfo=None)
    return Manifest(
        load_id=f"{loaded_at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}", load_number=number,
        source=door.source, cluster=door.cluster, kind=reading.kind,
        observed_at=reading.observed_at.isoformat(sep=" "), loaded_at=loaded_at.isoformat(sep=" "),
        source_uri=door.source_uri, facts=reading.facts, state=reading.state)


def _profiles(door: Door, rows: dict[str, pa.Table]) -> list[ColumnProfile]:
    return [p for name, part in rows.items() for p in profile(door.tables[name], part)]


def _mark(door: Door, manifest: Manifest) -> None:
    effects.write_durably(door.marker, manifest.to_json(), name="landing.marker")


def _stamped(door: Door, manifest: Manifest, table: Table, rows: pa.Table) -> pa.Table:
    """Rows in the columns of an archived batch."""
    count = rows.num_rows
    flags = row_flags(rows, now=datetime.fromisoformat(manifest.observed_at),
                      states=door.states.get(table.name, frozenset()))
    stamps: dict[str, Any] = {
        "_row_flags": flags, "_deleted_at": None, "_delete_reason": None,
        **stamps_of(manifest),
    }
    columns: dict[str, Any] = {"cluster": door.cluster}
    columns |= {n: rows[n] for n in table.columns} | {n: stamps[n] for n in STAMPS}
    schema = batch_schema(table)
    arrays = [
        value if isinstance(value, pa.Array | pa.ChunkedArray)
        else pa.repeat(pa.scalar(value, schema.field(name).type), count)
        for name, value in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _fresh_tables(door: Door, reading: Reading) -> frozenset[str]:
    """Tables of which nothing that the reading covers is landed: nothing needs to be compared.

    Runs land with everything of theirs, so it is enough to look at the runs. A first load is fresh
    nearly throughout, and three times as fast for it.
    """
    if "dag_run" not in reading.rows or reading.whole_runs is None or "dag_run" in _known_bad(door):
        return frozenset()      # where runs were set aside, their instances may be landed alone
    landed = landing_name(door.source, "dag_run")
    [(count,)] = door.con.execute(
        f'select count(*) from landing."{landed}" as l '
        "where l.cluster = $1 and exists (select 1 from whole_runs as w "
        "where w.dag_id = l.dag_id and w.run_id = l.run_id)", [door.cluster]).fetchall()
    if count:
        return frozenset()
    return frozenset(n for n in reading.rows if door.tables[n].strategy == "run")


def _place_of_runs(door: Door, reading: Reading) -> str:
    """Where the landed rows stand (alias `l`) that rows of runs are compared with."""
    if reading.whole_runs is None:
        return "true"
    door.con.register("whole_runs", reading.whole_runs)
    return run_loads.condition(door.con, door.cluster, "whole_runs", "l")


def _changes(door: Door, reading: Reading, manifest: Manifest, table: Table,
             rows: pa.Table, place: str) -> pa.Table:
    """Rows that differ from what is landed, and tombstones of the covered ones that are gone."""
    landed = landing_name(door.source, table.name)
    stamped = _stamped(door, manifest, table, rows)
    door.con.register("arrived", stamped)
    try:
        key = " and ".join(f'a."{c}" = l."{c}"' for c in ("cluster", *table.key))
        place = place if table.strategy == "run" else "true"
        compared = [c for c in table.columns if c not in table.volatile and c not in table.key]
        differs = " or ".join(f'a."{c}" is distinct from l."{c}"' for c in compared) or "false"
        changed = door.con.sql(
            "select a.* from arrived as a left join "
            f'(from landing."{landed}" as l where {place}) as l on {key} '
            f"where l.cluster is null or l._deleted_at is not null or {differs}",
        ).to_arrow_table()
        gone = _vanished(door, reading, manifest, table, place)
    finally:
        door.con.unregister("arrived")
    return pa.concat_tables([changed.cast(stamped.schema), gone.cast(stamped.schema)])


def _vanished(door: Door, reading: Reading, manifest: Manifest, table: Table,
              place: str) -> pa.Table:
    """Tombstones: landed rows that the reading covers and does not hold."""
    landed = landing_name(door.source, table.name)
    scope = "false"
    if table.name in reading.whole_tables:
        scope = "true"
    elif table.strategy == "run" and reading.whole_runs is not None:
        scope = (f"{place} and exists (select 1 from whole_runs as w "
                 "where w.dag_id = l.dag_id and w.run_id = l.run_id)")
    elif table.name in reading.ranges:
        low, high = reading.ranges[table.name]
        scope = f"l.id >= {low} and l.id < {high}"
    key = " and ".join(f'a."{c}" = l."{c}"' for c in ("cluster", *table.key))
    reason = reading.vanish_reason if table.strategy == "run" else "deleted"
    reason = "retention" if table.name in reading.ranges else reason
    return door.con.sql(
        f"select {tombstone_columns(table)} from landing.\"{landed}\" as l "
        f"where l.cluster = $cluster and l._deleted_at is null and {scope} "
        f"and not exists (select 1 from arrived as a where {key})",
        params={"cluster": door.cluster, "reason": reason, **stamp_parameters(manifest)},
    ).to_arrow_table()


def _gone_batches(door: Door, reading: Reading, manifest: Manifest,
                  written: set[str]) -> list[Batch]:
    """Tombstones of whole runs that reconciliation did not find at the source any more."""
    if reading.gone_runs is None or not reading.gone_runs.num_rows:
        return []
    door.con.register("gone_runs", reading.gone_runs)
    batches = []
    for table in door.tables.values():
        if table.strategy != "run":
            continue
        landed = landing_name(door.source, table.name)
        rows = door.con.sql(
            f"select {tombstone_columns(table).replace('$reason', 'g.reason')} "
            f'from landing."{landed}" as l inner join gone_runs as g '
            "on g.dag_id = l.dag_id and g.run_id = l.run_id "
            "where l.cluster = $cluster and l._deleted_at is null",
            params={"cluster": door.cluster, **stamp_parameters(manifest)},
        ).to_arrow_table().cast(batch_schema(table))
        if rows.num_rows:
            if table.name in written:
                raise AssertionError(f"{table.name}: gone runs belong in a reading of their own")
            batches.append(door.archive.write_batch(manifest, table.name, rows))
    door.con.unregister("gone_runs")
    return batches


def _known_bad(door: Door) -> dict[str, str]:
    known: dict[str, str] = last_state(door.con, door.source, door.cluster).get("quarantined", {})
    return known


def _quarantine(door: Door, manifest: Manifest, name: str, rows: pa.Table,
                reason: str) -> list[Quarantined]:
    """Keep a batch that failed, once: the same rows arrive again with every overlap."""
    digest = _digest(door.tables[name], rows)
    [(kept,)] = door.con.execute(
        "select count(*) from landing.quarantined_batches where cluster = $1 "
        "and table_name = $2 and ends_with(path, $3)",
        [door.cluster, name, f"-{digest}.parquet"]).fetchall()
    if kept:
        return []
    data = parquet_bytes(rows)
    path = f"{door.source}/{door.cluster}/{name}/{manifest.load_id}-{digest}.parquet"
    effects.write_durably(door.quarantine / path, data, name="quarantine.batch")
    note = {"reason": reason, "load_id": manifest.load_id, "rows": rows.num_rows}
    effects.write_durably(door.quarantine / f"{path}.json", json.dumps(note).encode(),
                          name="quarantine.reason")
    return [Quarantined(name, path, rows.num_rows, reason)]


def _digest(table: Table, rows: pa.Table) -> str:
    """Of the rows without regard to their order and to what changes all the time."""
    steady = rows.drop_columns([c for c in rows.column_names if c in table.volatile])
    ordered = steady.sort_by([(column, "ascending") for column in table.key])
    return hashlib.sha256(parquet_bytes(ordered)).hexdigest()[:16]
