"""Retention: runs that ended long ago leave the landing, whole; roll-ups of them land before.

    marts' daily roll-ups of days that go  ->  landing.rollups__*    (a load of source `rollups`)
    runs that ended before the cutoff      ->  a load of kind `expiry` that takes their rows away

The cutoff is the start of a UTC day, counted from the newest landed instant of the cluster: a
rebuild repeats it. It runs after a whole build, so that the roll-ups are of all that is landed.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from ingest.apply import apply_load
from ingest.archive import Manifest
from ingest.contracts import STAMPS, Table, batch_schema, landing_columns
from ingest.door import Door, last_state
from ingest.expire import EXPIRED_RUN, KIND
from ingest.rollups import DATES, ROLLUP_TABLES, ROLLUPS
from ingest.sources.airflow_db.tables import FINAL_INSTANCE_STATES, FINAL_RUN_STATES
from windsock import clock, effects

# The same date as reconciliation looks at: what it reads back never expires.
_RUN_DATE = "coalesce(r.start_date, r.queued_at, r.run_after, r.execution_date, r.logical_date)"


def expire(door: Door, keep: timedelta) -> Manifest | None:
    """Let the runs of one cluster expire that ended longer ago than they are kept.

    Args:
        door: where the cluster is landed.
        keep: how long detail is kept.

    Returns:
        The expiry's manifest; None when nothing is due: no run is that old, the first load is
        not complete, or the marts do not hold all that is landed.
    """
    newest = door.con.execute(
        "select observed_at, facts from landing.loads where source = $1 and cluster = $2 "
        "order by load_number desc limit 1", [door.source, door.cluster]).fetchall()
    state = last_state(door.con, door.source, door.cluster)
    if not newest or state.get("history") is not None or not _is_built(door):
        return None
    observed_at, facts = newest[0][0], json.loads(newest[0][1])
    cutoff = datetime.combine((observed_at - keep).date(), datetime.min.time())
    _find_expired(door, cutoff)
    floors = _floors(door, cutoff)
    [(count,)] = door.con.execute("select count(*) from expiring").fetchall()
    if not count and not floors:
        return None
    since = _boundary(door)
    facts = {k: v for k, v in facts.items() if k not in ("floors", "expired_before")}
    common = {"observed_at": observed_at.isoformat(sep=" "), "facts": facts}
    if since is None or since < cutoff:
        _load(door, replace(_draft(door, "rollup", **common), source=ROLLUPS), {
            name: _rows(door, table, _rollup_sql(table, since, cutoff))
            for name, table in ROLLUP_TABLES.items()})
    append = {name: {**marks, "floor": floors.get(name, marks.get("floor"))}
              for name, marks in state.get("append", {}).items()}
    draft = replace(
        _draft(door, KIND, **common), state={**state, "append": append},
        facts={**facts, "floors": floors, "expired_before": cutoff.isoformat(sep=" ")})
    return _load(door, draft, {EXPIRED_RUN.name: _rows(
        door, EXPIRED_RUN, "select dag_id, run_id from expiring order by all")})


def is_unbuilt(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether runs expired that the marts still hold: then everything is made anew."""
    if not _exists(con, "intermediate", "int_changes__done"):
        return False
    [(count,)] = con.execute(
        "select count(*) from landing.loads where kind = $1 and load_number > ("
        "select coalesce(max(newest_load_number), 0) from intermediate.int_changes__done)",
        [KIND]).fetchall()
    return bool(count)


def _exists(con: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    return bool(con.execute("select 1 from duckdb_tables() where schema_name = $1 "
                            "and table_name = $2", [schema, name]).fetchall())


def _is_built(door: Door) -> bool:
    if not all(_exists(door.con, "marts", f"agg_{name}") for name in DATES) \
            or not _exists(door.con, "intermediate", "int_changes__done"):
        return False
    [(is_built,)] = door.con.execute(
        "select coalesce((select max(newest_load_number) from intermediate.int_changes__done "
        "where cluster = $1) = (select max(load_number) from landing.loads where cluster = $1), "
        "false)", [door.cluster]).fetchall()
    return bool(is_built)


def _find_expired(door: Door, cutoff: datetime) -> None:
    """Make the temporary table `expiring`: runs that ended, with everything of them, before.

    An unfinished run never goes, nor one that holds an unfinished instance: each landing reads
    them again.
    """
    runs = ", ".join(f"'{s}'" for s in FINAL_RUN_STATES)
    instances = ", ".join(f"'{s}'" for s in FINAL_INSTANCE_STATES)
    door.con.execute(f"""
        create or replace temp table expiring as
        with ended as (
            select r.dag_id, r.run_id
            from landing."{door.source}__dag_run" as r
            where r.cluster = $cluster
                and (r.state in ({runs}) or r._deleted_at is not null)
                and greatest(r.end_date, r._deleted_at, {_RUN_DATE}) < $cutoff::timestamp
        ),
        held as (
            select distinct i.dag_id, i.run_id
            from landing."{door.source}__task_instance" as i
            semi join ended using (dag_id, run_id)
            where i.cluster = $cluster and (
                greatest(i.start_date, i.end_date) >= $cutoff::timestamp
                or (i._deleted_at is null
                    and coalesce(i.state not in ({instances}), true)))
        )
        select dag_id, run_id from ended anti join held using (dag_id, run_id)
        """, {"cluster": door.cluster, "cutoff": cutoff})


def _floors(door: Door, cutoff: datetime) -> dict[str, int]:
    """Append table -> the lowest id that stays; only those of which something goes."""
    floors = {}
    for table in door.tables.values():
        if table.strategy != "append":
            continue
        at = "dttm" if "dttm" in table.columns else "timestamp"
        [(floor, lowest)] = door.con.execute(
            f'select coalesce(min(id) filter (where "{at}" >= $2), max(id) + 1), min(id) '
            f'from landing."{door.source}__{table.name}" where cluster = $1',
            [door.cluster, cutoff]).fetchall()
        if floor is not None and lowest < floor:
            floors[table.name] = int(floor)
    return floors


def _boundary(door: Door) -> datetime | None:
    rows = door.con.execute("select expired_before from landing.rollups__boundary "
                            "where cluster = $1", [door.cluster]).fetchall()
    return rows[0][0] if rows else None


def _rollup_sql(table: Table, since: datetime | None, cutoff: datetime) -> str:
    """What a roll-up says of the days that go: it cannot be computed any more."""
    if table.name not in DATES:
        return f"select timestamp '{cutoff}' as expired_before"
    day, columns = DATES[table.name], ", ".join(table.columns)
    later = "" if since is None else f"and {day} >= timestamp '{since}' "
    return (f"select {columns} from marts.agg_{table.name} where cluster = $cluster "
            f"and {day} < timestamp '{cutoff}' {later}order by all")


def _rows(door: Door, table: Table, sql: str) -> Callable[[Manifest], pa.Table]:
    """The rows of a batch, once its load is known."""
    kinds = landing_columns(table)

    def stamped(manifest: Manifest) -> pa.Table:
        stamps: dict[str, Any] = {
            **dict.fromkeys(STAMPS), "_observed_at": manifest.observed_at,
            "_loaded_at": manifest.loaded_at, "_load_id": manifest.load_id,
            "_load_number": manifest.load_number, "_source_uri": manifest.source_uri}
        items = ["$cluster as cluster", *(f'q."{c}"::{kinds[c]} as "{c}"' for c in table.columns)]
        items += [f"${c}::{kinds[c]} as {c}" for c in stamps]
        return door.con.sql(
            f"select {', '.join(items)} from ({sql}) as q",
            params={"cluster": door.cluster, **stamps}).to_arrow_table().cast(batch_schema(table))
    return stamped


def _draft(door: Door, kind: str, *, observed_at: str, facts: dict[str, Any]) -> Manifest:
    [(last,)] = door.con.execute("select max(load_number) from landing.loads").fetchall()
    loaded_at = clock.now().replace(tzinfo=None)
    return Manifest(
        load_id=f"{loaded_at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}", load_number=int(last or 0) + 1,
        source=door.source, cluster=door.cluster, kind=kind, observed_at=observed_at,
        loaded_at=loaded_at.isoformat(sep=" "), source_uri=door.source_uri, facts=facts)


def _load(door: Door, draft: Manifest,
          made: dict[str, Callable[[Manifest], pa.Table]]) -> Manifest:
    """Archive and apply, as any landing does: whole or not at all."""
    effects.write_durably(door.marker, draft.to_json(), name="landing.marker")
    tables = {**door.tables, **ROLLUP_TABLES, EXPIRED_RUN.name: EXPIRED_RUN}
    batches = []
    for name, rows_of in made.items():
        rows = rows_of(draft)
        if rows.num_rows:
            batches.append(door.archive.write_batch(draft, name, rows))
    manifest = replace(draft, batches=tuple(batches))
    door.archive.commit(manifest)
    apply_load(door.con, door.archive, manifest, tables, door.scratch)
    door.marker.unlink(missing_ok=True)
    return manifest
