"""What an expiry load takes away, from landing tables and from a rebuild alike.

    manifest of kind `expiry`: its runs (batch `expired_run`), its floors of ids (facts)
      ->  rows of loads before it go, of both kinds: current and replaced

A run that is read again later (somebody cleared it) has rows of later loads, and they stay.
"""

from pathlib import Path

import duckdb

from ingest.archive import Archive, Manifest
from ingest.contracts import Table, landing_name

KIND = "expiry"
# Archived, never landed: which runs an expiry takes.
EXPIRED_RUN = Table("expired_run", ("dag_id", "run_id"), {"dag_id": "text", "run_id": "text"},
                    "derived")
_OF_RUN = "{0}.cluster = e.cluster and {0}.dag_id = e.dag_id and {0}.run_id = e.run_id"


def collect(con: duckdb.DuckDBPyConnection, archive: Archive, manifests: list[Manifest],
            scratch: Path) -> None:
    """Make the temporary table `expired` of all runs that these loads take away."""
    con.execute("create or replace temp table expired "
                "(cluster varchar, dag_id varchar, run_id varchar, _load_number bigint)")
    numbers = [m.load_number for m in manifests if m.kind == KIND]
    paths = {b.path for m in manifests if m.kind == KIND for b in m.batches}
    for path in sorted(paths):      # months of expiries are one file
        con.execute(
            "insert into expired select cluster, dag_id, run_id, _load_number "
            "from read_parquet($1, hive_partitioning = false) "
            "where list_contains($2::bigint[], _load_number)",
            [str(archive.local_path(path, scratch)), numbers])


def take_away(con: duckdb.DuckDBPyConnection, relation: str, table: Table,
              manifests: list[Manifest]) -> None:
    """Delete what the expiries among these loads take from one relation.

    Args:
        con: with the temporary table `expired` (`collect`).
        relation: a landing table, or a temporary table of all its images.
        table: whose.
        manifests: loads.
    """
    if table.strategy == "run":
        con.execute(f"delete from {relation} as r using expired as e "
                    f"where {_OF_RUN.format('r')} and r._load_number < e._load_number")
    if table.strategy == "append":
        for manifest in manifests:
            floor = manifest.facts.get("floors", {}).get(table.name)
            if manifest.kind == KIND and floor is not None:
                con.execute(
                    f"delete from {relation} where cluster = $1 and id < $2 and _load_number < $3",
                    [manifest.cluster, floor, manifest.load_number])


def apply_expiry(con: duckdb.DuckDBPyConnection, archive: Archive, manifest: Manifest,
                 tables: dict[str, Table], scratch: Path) -> None:
    """Take from the landing tables what one expiry load takes; inside its transaction."""
    collect(con, archive, [manifest], scratch)
    for table in tables.values():
        if table.strategy in ("run", "append"):
            name = landing_name(manifest.source, table.name)
            take_away(con, f'landing."{name}"', table, [manifest])
            if table.observed:
                take_away(con, f'landing."{name}__replaced"', table, [manifest])
    con.execute("delete from landing.run_loads as r using expired as e "
                f"where {_OF_RUN.format('r')}")
    con.execute("drop table expired")
