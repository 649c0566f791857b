"""Published history that does not change: sorted, in a file of its own, made about once a day.

    marts of the build file  ->  snapshots/sealed_<n>.duckdb      (`current_or_new`)

Also what publishing and sealing share: the marts of a build, and settling a file on disk.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

from windsock import clock, effects
from windsock.errors import WarehouseError
from windsock.warehouse import Layout

SEAL_EVERY = timedelta(hours=24)
SEAL_SHARE = 0.1            # a delta larger than this share of the sealed rows is sealed again
LOAD = "newest_load_number"
_RUN_KEY = ("cluster", "dag_id", "run_id")


@dataclass(frozen=True)
class Mart:
    """A table of schema `marts` in the build file."""

    name: str
    columns: tuple[str, ...]
    row_count: int

    @property
    def is_run_grain(self) -> bool:
        """Whether its rows belong to runs and say with which load they changed."""
        return {*_RUN_KEY, LOAD} <= set(self.columns)

    @property
    def order(self) -> str:
        """Columns that readers filter by, first."""
        wanted = [
            c for c in ("cluster", "dag_id", "started_at", "run_id", "task_id") if c in self.columns
        ]
        return ", ".join(wanted)


@dataclass(frozen=True)
class Sealed:
    """A sealed history: its number, the newest load in it, when it was made (UTC text)."""

    generation: int
    load_number: int
    sealed_at: str

    @property
    def name(self) -> str:
        """Catalog name that views of a generation use, and the file's stem."""
        return f"sealed_{self.generation:08d}"

    def path(self, layout: Layout) -> Path:
        """Its file."""
        return layout.snapshots / f"{self.name}.duckdb"


def marts_of(con: duckdb.DuckDBPyConnection) -> list[Mart]:
    """The marts of the database that is attached as `build`."""
    found = con.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns() "
        "where database_name = 'build' and schema_name = 'marts' and table_name in ("
        "select table_name from duckdb_tables() where database_name = 'build' "
        "and schema_name = 'marts') group by table_name order by table_name"
    ).fetchall()
    return [
        Mart(name, tuple(columns), count_rows(con, f'build.marts."{name}"'))
        for name, columns in found
    ]


def count_rows(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    """How many rows a relation (and a condition) has."""
    [(count,)] = con.execute(f"select count(*) from {relation}").fetchall()
    return int(count)


def settle(part: Path, path: Path) -> None:
    """fsync, then rename: the name appears with the whole content or not at all."""
    effects.before("publish.sync", part)
    handle = os.open(part, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    effects.before("publish.rename", path)
    part.replace(path)
    effects.sync_folder(path.parent)


def current_or_new(
    con: duckdb.DuckDBPyConnection,
    layout: Layout,
    marts: list[Mart],
    generation: int,
    *,
    seal: bool,
) -> Sealed:
    """The sealed history to build on: the current one, or a new one when it is due."""
    current = _current_sealed(con, layout)
    if current is None or seal or _is_due(con, marts, current, layout):
        return _seal(con, layout, marts, generation)
    return current


def _current_sealed(con: duckdb.DuckDBPyConnection, layout: Layout) -> Sealed | None:
    try:
        newest = layout.newest_snapshot()
    except WarehouseError:      # the pointer names a file that is gone: publishing heals it
        return None
    if newest is None:
        return None
    con.execute(f"attach '{newest}' as previous (read_only)")
    rows = con.execute(
        "select sealed_generation, sealed_load_number, sealed_at::varchar "
        "from previous.meta.snapshot"
    ).fetchall()
    con.execute("detach previous")
    if not rows or rows[0][0] is None:
        return None
    sealed = Sealed(*rows[0])
    return sealed if sealed.path(layout).exists() else None


def _is_due(
    con: duckdb.DuckDBPyConnection, marts: list[Mart], sealed: Sealed, layout: Layout
) -> bool:
    [(age,)] = con.execute(
        "select $1::timestamp - $2::timestamp", [clock.now().replace(tzinfo=None), sealed.sealed_at]
    ).fetchall()
    if age > SEAL_EVERY or _has_expired_since(con, sealed):
        return True
    changed = total = 0
    for mart in marts:
        if mart.is_run_grain:
            total += mart.row_count
            changed += count_rows(
                con, f'build.marts."{mart.name}" where {LOAD} > {sealed.load_number}'
            )
    return changed > SEAL_SHARE * total or _is_of_other_models(con, marts, sealed, layout)


def _has_expired_since(con: duckdb.DuckDBPyConnection, sealed: Sealed) -> bool:
    """Whether retention took runs away since, which the sealed file still has."""
    has_loads = con.execute(
        "from duckdb_tables() where database_name = 'build' and schema_name = 'landing' "
        "and table_name = 'loads'").fetchall()
    return bool(has_loads) and bool(con.execute(
        "from build.landing.loads where kind = 'expiry' and loaded_at > $1::timestamp",
        [sealed.sealed_at]).fetchall())


def _is_of_other_models(
    con: duckdb.DuckDBPyConnection, marts: list[Mart], sealed: Sealed, layout: Layout
) -> bool:
    """Whether a model or a column came, went or was renamed since, or computes something else."""
    con.execute(f"attach '{sealed.path(layout)}' as sealed_before (read_only)")
    columns = con.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns() "
        "where database_name = 'sealed_before' and schema_name = 'marts' group by table_name",
    ).fetchall()
    models = con.execute(
        "select distinct comment from duckdb_tables() "
        "where database_name = 'sealed_before' and schema_name = 'marts'"
    ).fetchall()
    con.execute("detach sealed_before")
    wanted = {m.name: m.columns for m in marts if m.is_run_grain}
    return models != [(_models_of(layout),)] or wanted != {n: tuple(c) for n, c in columns}


def _models_of(layout: Layout) -> str:
    """Checksum of the models that made the build, as `Builder` left it; empty: another way."""
    mark = layout.build_file.with_suffix(".models")
    return mark.read_text() if mark.exists() else ""


def _seal(
    con: duckdb.DuckDBPyConnection, layout: Layout, marts: list[Mart], generation: int
) -> Sealed:
    """Write all run-grain marts, sorted, to a file that is never changed again."""
    numbers = [
        con.execute(f'select max({LOAD}) from build.marts."{m.name}"').fetchall()[0][0]
        for m in marts
        if m.is_run_grain
    ]
    sealed = Sealed(
        generation,
        max((n for n in numbers if n is not None), default=0),
        clock.now().replace(tzinfo=None).isoformat(sep=" "),
    )
    path = sealed.path(layout)
    part = path.with_name(f".{path.name}.part")
    effects.before("publish.seal", path)
    con.execute(f"attach '{part}' as history")
    con.execute("create schema history.marts")
    made_by = _models_of(layout)
    for mart in marts:
        if mart.is_run_grain:
            con.execute(
                f'create table history.marts."{mart.name}" as '
                f'from build.marts."{mart.name}" order by {mart.order}'
            )
            con.execute(f"comment on table history.marts.\"{mart.name}\" is '{made_by}'")
    con.execute("checkpoint history; detach history")
    settle(part, path)
    return sealed
