"""Loads from the archive into the landing tables of the build file.

    manifest + batches  ->  one transaction: rows, tombstones, cursors (`apply_load`)
    all manifests       ->  the same tables, set by set (`rebuild`)

The two routes give the same rows; `tests/unit/ingest/test_rebuild.py` compares them.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from ingest import expire, records, run_loads
from ingest.archive import Archive, Batch, Manifest
from ingest.contracts import Table, landing_columns, landing_name
from windsock import effects


def create_landing(con: duckdb.DuckDBPyConnection, source: str, tables: Iterable[Table]) -> None:
    """Make the landing tables that are missing, and columns that a newer Windsock has added."""
    tables = list(tables)
    con.execute(records.DDL)
    is_older = not con.execute(
        "from duckdb_tables() where schema_name = 'landing' and table_name = 'run_loads'"
    ).fetchall()
    con.execute(run_loads.DDL)
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
    if is_older:
        run_loads.renew(con, source, tables)


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
        if manifest.kind == expire.KIND:
            effects.before("landing.expiry", manifest.load_id)
            expire.apply_expiry(con, archive, manifest, tables, scratch)
        else:
            for batch in manifest.batches:
                effects.before("landing.batch", batch.path)
                _upsert(con, archive, manifest, batch, tables[batch.table], scratch)
            _note_runs(con, archive, manifest, tables, scratch)
        records.record(con, manifest)
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
    """Make the landing tables from the manifests alone, table by table.

    The last image of every key wins; replaced images go to the `__replaced` tables by the rule
    of `apply_load`.
    """
    effects.before("rebuild.begin", source)
    con.execute("begin")
    try:
        expire.collect(con, archive, manifests, scratch)
        for table in tables.values():
            batches = [(m, b) for m in manifests for b in m.batches if b.table == table.name]
            if batches:
                effects.before("rebuild.table", table.name)
                _collect_images(con, archive, batches, table, scratch)
                expire.take_away(con, "images", table, manifests)
                _rebuild_table(con, landing_name(batches[0][0].source, table.name), table)
        con.execute("drop table expired")
        run_loads.renew(con, source, tables.values())
        for manifest in manifests:
            records.record(con, manifest)
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
            "from read_parquet($1, hive_partitioning = false) where _load_number = $2",
            [path, manifest.load_number],
        )
        return
    # An older batch lacks the columns that a newer Windsock has added; a compacted file has the
    # rows of other loads too.
    con.execute(
        f'create or replace temp table incoming as from (from landing."{name}" limit 0) '
        "union all by name from read_parquet($1, hive_partitioning = false) "
        "where _load_number = $2",
        [path, manifest.load_number],
    )
    same_key = _same_key(table, "old", "new")
    if table.strategy == "run":
        place = run_loads.condition(con, manifest.cluster, "incoming", "old")
        same_key = f"{place} and {same_key}"
    if table.observed:
        con.execute(
            f'insert into landing."{name}__replaced" by name '
            f'select old.*, new._observed_at as _replaced_at from landing."{name}" as old '
            f"inner join incoming as new on {same_key} where {_replaced(table)}"
        )
    con.execute(f'delete from landing."{name}" as old using incoming as new where {same_key}')
    con.execute(f'insert into landing."{name}" by name from incoming')
    con.execute("drop table incoming")


def _note_runs(
    con: duckdb.DuckDBPyConnection,
    archive: Archive,
    manifest: Manifest,
    tables: dict[str, Table],
    scratch: Path,
) -> None:
    """In which load rows of which runs stand, for the next comparison."""
    batches = [b for b in manifest.batches if tables[b.table].strategy == "run"]
    if not batches:
        return
    paths = ", ".join(
        "'" + str(archive.local_path(b.path, scratch)).replace("'", "''") + "'" for b in batches)
    runs = (f"(select distinct cluster, dag_id, run_id from read_parquet([{paths}], "
            "union_by_name = true, hive_partitioning = false) "
            f"where _load_number = {manifest.load_number})")
    run_loads.note(con, manifest.load_number, runs, are_new=all(b.is_fresh for b in batches))


def _collect_images(
    con: duckdb.DuckDBPyConnection,
    archive: Archive,
    batches: list[tuple[Manifest, Batch]],
    table: Table,
    scratch: Path,
) -> None:
    """All images of the rows of a table, in the temporary table `images`."""
    name = landing_name(batches[0][0].source, table.name)
    # Many loads of a compacted file are one path.
    paths = [str(archive.local_path(path, scratch))
             for path in dict.fromkeys(batch.path for _, batch in batches)]
    con.execute(
        f'create or replace temp table images as from (from landing."{name}" limit 0) '
        "union all by name from read_parquet($1, union_by_name = true, hive_partitioning = false)",
        [paths],
    )


def _rebuild_table(con: duckdb.DuckDBPyConnection, name: str, table: Table) -> None:
    """The last of its images is a row's; the ones before go where `apply_load` puts them."""
    key = ", ".join(f'"{c}"' for c in ("cluster", *table.key))
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


def _rollback(con: duckdb.DuckDBPyConnection) -> None:
    try:
        con.execute("rollback")
    except duckdb.Error:
        # The disk was full or the file is gone: the connection is dead, the file is whole.
        return
