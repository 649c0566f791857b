"""Many Parquet files of one table as one, sorted, within the memory that DuckDB was given.

    files  ->  a temporary table, some files at a time  ->  sorted by load  ->  row groups of a file
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.archive import parquet_options
from windsock.errors import ArchiveError

_FILES_AT_ONCE = 200        # each open file costs memory and a handle
_ROW_GROUP = 100_000
_LEVEL = 12                 # written once, read seldom


@dataclass(frozen=True)
class Merged:
    """The file that was made, and its number of rows."""

    path: Path
    row_count: int


def merge_files(con: duckdb.DuckDBPyConnection, files: Sequence[Path], scratch: Path, *,
                key: tuple[str, ...], row_count: int, keep: str | None = None) -> Merged:
    """Merge files that may differ in columns that a newer Windsock added.

    Args:
        con: does the work within its memory limit, and spills.
        files: what to merge.
        scratch: folder for the result.
        key: columns to sort by within a load: measured smaller than loads within a key, and a
            single load is found by the row groups' smallest and largest number.
        row_count: how many rows the files have by their manifests.
        keep: SQL condition (alias `r`) on the rows that stay; None: all.

    Raises:
        ArchiveError: the files do not have as many rows as their manifests say.
    """
    schema = pa.unify_schemas([pq.read_schema(f) for f in files], promote_options="permissive")
    schema = pa.schema([field.with_nullable(True) for field in schema])
    con.register("no_rows", schema.empty_table())
    con.execute("create or replace temp table merged as from no_rows")
    con.unregister("no_rows")
    for start in range(0, len(files), _FILES_AT_ONCE):
        paths = [str(f) for f in files[start:start + _FILES_AT_ONCE]]
        con.execute(
            "insert into merged by name from read_parquet($1, union_by_name = true, "
            "hive_partitioning = false)", [paths])
    [(found,)] = con.execute("select count(*) from merged").fetchall()
    if found != row_count:
        raise ArchiveError(
            f"{files[0]} and {len(files) - 1} other files have {found} rows.",
            expected=f"{row_count} rows, as their manifests say",
            next_step="restore the archive from its backup, then windsock rebuild")
    if keep is not None:
        con.execute(f"delete from merged as r where not ({keep})")
    order = ", ".join(f'"{c}"' for c in ("_load_number", *key) if c in schema.names)
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / f"{uuid.uuid4().hex}.parquet"
    written = _write(con, f"from merged order by {order}", schema, path)
    con.execute("drop table merged")
    return Merged(path, written)


def _write(con: duckdb.DuckDBPyConnection, sql: str, schema: pa.Schema, path: Path) -> int:
    written = 0
    reader = con.sql(sql).to_arrow_reader(_ROW_GROUP)
    with pq.ParquetWriter(path, schema, compression_level=_LEVEL,
                          **parquet_options(schema)) as writer:
        for batch in reader:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            written += batch.num_rows
    return written
