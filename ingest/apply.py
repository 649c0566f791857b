"""Loads from the archive into the landing tables of the build file.

    manifest + batches  ->  one transaction: rows, tombstones, cursors (`apply_load`)
    all manifests       ->  the same tables, set by set (`rebuild`)

The two routes give the same rows; `tests/unit/ingest/test_rebuild.py` compares them.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import duckdb

from ingest.archive import Archive, Batch, Manifest
from ingest.contracts import Table, landing_columns, landing_name
from windsock import effects

CONTROL_DDL = """
create schema if not exists landing;
create table if not exists landing.loads (
    load_number bigint, load_id varchar, source varchar, cluster varchar, kind varchar,
    observed_at timestamp, loaded_at timestamp, source_uri varchar, facts varchar, state varchar,
    row_count bigint
);
create table if not exists landing.batches (
    load_number bigint, cluster varchar, table_name varchar, path varchar, row_count bigint,
    byte_count bigint, sha256 varchar, tombstone_count bigint, flagged_count bigint
);
create table if not exists landing.quarantined_batches (
    load_number bigint, cluster varchar, table_name varchar, path varchar, row_count bigint,
    reason varchar
);
create table if not exists landing.failed_loads (
    cluster varchar, failed_at timestamp, error_class varchar, message varchar
);
"""


def create_landing(con: duckdb.DuckDBPyConnection, source: str, tables: Iterable[Table]) -> None:
    """Make the landing tables that are missing, and columns that a newer Windsock has added."""
    con.execute(CONTROL_DDL)
    present = {
        (name, column)
        for name, column in con.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'landing'"
        ).fetchall()
    }
    names = {name for name, _ in present}
    for table in tables:
        for name, columns in _tables_of(source, table):
            if name not in names:
                body = ", ".join(f'"{c}" {t}' for c, t in columns.items())
                con.execute(f'create table landing."{name}" ({body})')
                continue
            for column, kind in columns.items():
                if (name, column) not in present:
                    con.execute(f'alter table landing."{name}" add column "{column}" {kind}')


def apply_load(
    con: duckdb.DuckDBPyConnection,
    archive: Archive,
    manifest: Manifest,
    tables: dict[str, Table],
    scratch: Path,
) -> None:
    """Bring one load into the landing tables, in one transaction.

    Raises:
        ArchiveError: a batch is missing.
        duckdb.Error: the build file said no; the transaction is rolled back.
    """
    effects.before("landing.begin", manifest.load_id)
    con.execute("begin")
    try:
        for batch in manifest.batches:
            effects.before("landing.batch", batch.path)
            _upsert(con, archive, manifest, batch, tables[batch.table], scratch)
        _record(con, manifest)
        effects.before("landing.commit", manifest.load_id)
        con.execute("commit")
    except BaseException:
        _rollback(con)
        raise


def rebuild(
    con: duckdb.DuckDBPyConnection,
    archive: Archive,
    manifests: list[Manifest],
    source: str,
    tables: dict[str, Table],
    scratch: Path,
) -> None:
    """Make the landing tables of one source from its manifests alone, table by table.

    The last image of every key wins; replaced images go to the `__replaced` tables by the rule
    of `apply_load`.
    """
    effects.before("rebuild.begin", source)
    con.execute("begin")
    try:
        for table in tables.values():
            batches = [(m, b) for m in manifests for b in m.batches if b.table == table.name]
            if batches:
                effects.before("rebuild.table", table.name)
                _rebuild_table(con, archive, batches, source, table, scratch)
        for manifest in manifests:
            _record(con, manifest)
        effects.before("rebuild.commit", source)
        con.execute("commit")
    except BaseException:
        _rollback(con)
        raise


def _tables_of(source: str, table: Table) -> list[tuple[str, dict[str, str]]]:
    name = landing_name(source, table.name)
    columns = landing_columns(table)
    if not table.observed:
        return [(name, columns)]
    return [(name, columns), (f"{name}__replaced", {**columns, "_replaced_at": "timestamp"})]


def _upsert(
    con: duckdb.DuckDBPyConnection,
    archive: Archive,
    manifest: Manifest,
    batch: Batch,
    table: Table,
    scratch: Path,
) -> None:
    name = landing_name(manifest.source, table.name)
    path = str(archive.local_path(batch.path, scratch))
    if batch.is_fresh:
        con.execute(
            f'insert into landing."{name}" by name '
            "from read_parquet($1, hive_partitioning = false)",
            [path],
        )
        return
    # An older batch lacks the columns that a newer Windsock has added.
    con.execute(
        f'create or replace temp table incoming as from (from landing."{name}" limit 0) '
        "union all by name from read_parquet($1, hive_partitioning = false)",
        [path],
    )
    same_key = _same_key(table, "old", "new")
    if table.observed:
        con.execute(
            f'insert into landing."{name}__replaced" by name '
            f'select old.*, new._observed_at as _replaced_at from landing."{name}" as old '
            f"inner join incoming as new on {same_key} where {_replaced(table)}"
        )
    con.execute(f'delete from landing."{name}" as old using incoming as new where {same_key}')
    con.execute(f'insert into landing."{name}" by name from incoming')
    con.execute("drop table incoming")


def _rebuild_table(
    con: duckdb.DuckDBPyConnection,
    archive: Archive,
    batches: list[tuple[Manifest, Batch]],
    source: str,
    table: Table,
    scratch: Path,
) -> None:
    name = landing_name(source, table.name)
    paths = [str(archive.local_path(batch.path, scratch)) for _, batch in batches]
    key = ", ".join(f'"{c}"' for c in ("cluster", *table.key))
    con.execute(
        f'create or replace temp table images as from (from landing."{name}" limit 0) '
        "union all by name from read_parquet($1, union_by_name = true, hive_partitioning = false)",
        [paths],
    )
    if table.observed:
        pairs = " and ".join(
            (_same_key(table, "old", "new"), "new._load_number = old._next_load_number")
        )
        con.execute(
            f'insert into landing."{name}__replaced" by name '
            "select old.* exclude (_next_load_number), new._observed_at as _replaced_at from ("
            "select *, lead(_load_number) over "
            f"(partition by {key} order by _load_number) as _next_load_number from images"
            f") as old inner join images as new on {pairs} where {_replaced(table)}"
        )
    con.execute(
        f'insert into landing."{name}" by name from images '
        f"qualify row_number() over (partition by {key} order by _load_number desc) = 1"
    )
    con.execute("drop table images")


def _same_key(table: Table, left: str, right: str) -> str:
    # Keys are never null: the gate refuses such batches.
    return " and ".join(f'{left}."{c}" = {right}."{c}"' for c in ("cluster", *table.key))


def _replaced(table: Table) -> str:
    changed = " or ".join(f'old."{c}" is distinct from new."{c}"' for c in sorted(table.observed))
    returned = "old._deleted_at is not null and new._deleted_at is null"
    return f"({table.observed_when}) and ({changed} or ({returned}))"


def _record(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    con.execute(
        "insert into landing.loads values ($1, $2, $3, $4, $5, $6::timestamp, $7::timestamp, "
        "$8, $9, $10, $11)",
        [
            manifest.load_number,
            manifest.load_id,
            manifest.source,
            manifest.cluster,
            manifest.kind,
            manifest.observed_at,
            manifest.loaded_at,
            manifest.source_uri,
            json.dumps(manifest.facts, sort_keys=True),
            json.dumps(manifest.state, sort_keys=True),
            sum(b.row_count for b in manifest.batches),
        ],
    )
    for batch in manifest.batches:
        con.execute(
            "insert into landing.batches values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                manifest.load_number,
                manifest.cluster,
                batch.table,
                batch.path,
                batch.row_count,
                batch.byte_count,
                batch.sha256,
                batch.tombstone_count,
                batch.flagged_count,
            ],
        )
    for bad in manifest.quarantined:
        con.execute(
            "insert into landing.quarantined_batches values ($1, $2, $3, $4, $5, $6)",
            [
                manifest.load_number,
                manifest.cluster,
                bad.table,
                bad.path,
                bad.row_count,
                bad.reason,
            ],
        )


def _rollback(con: duckdb.DuckDBPyConnection) -> None:
    try:
        con.execute("rollback")
    except duckdb.Error:
        # The disk was full or the file is gone: the connection is dead, the file is whole.
        return
