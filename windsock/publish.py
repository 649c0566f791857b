"""Makes what was built readable: one immutable snapshot a generation, then the pointer.

    marts of the build file  ->  snapshots/.warehouse-<n>.duckdb.part  ->  verify, fsync, rename
                             ->  current (pointer)

Small warehouses are copied whole: a snapshot is then one ordinary DuckDB file. Above
`WHOLE_ROWS` rows of run-grain marts, history is sealed in a file of its own
(`snapshots/sealed-<n>.duckdb`, sorted, made about once a day) and a generation holds what changed
since, united by views; see docs/decisions/0002-publish-sealed-history.md.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from windsock import clock, effects
from windsock.errors import WarehouseError
from windsock.sealed import LOAD, Mart, Sealed, count_rows, current_or_new, marts_of, settle
from windsock.warehouse import Layout, open_memory

WHOLE_ROWS = 500_000
KEPT_GENERATIONS = 3

_META = """
create schema meta;
create table meta.snapshot (
    generation bigint, published_at timestamp, sealed_name varchar, sealed_generation bigint,
    sealed_load_number bigint, sealed_at timestamp
);
"""


@dataclass(frozen=True)
class Published:
    """A generation that is now current."""

    generation: int
    path: Path
    is_whole: bool
    row_count: int
    byte_count: int


def publish(layout: Layout, *, whole_rows: int = WHOLE_ROWS, seal: bool = False) -> Published:
    """Publish the marts of the build file; the caller holds the writer's lock.

    Args:
        layout: which warehouse.
        whole_rows: up to so many run-grain rows a snapshot is one whole file.
        seal: seal history anew (after a full refresh, or on demand).

    Raises:
        WarehouseError: nothing was built, or the copy is not what was built.
    """
    generation = layout.newest_generation() + 1
    layout.snapshots.mkdir(parents=True, exist_ok=True)
    _clear(layout)
    with open_memory() as con:
        con.execute(f"attach '{layout.build_file}' as build (read_only)")
        marts = marts_of(con)
        if not marts:
            raise WarehouseError(
                f"{layout.build_file} has no marts.",
                expected="a finished build",
                next_step="run `windsock build`",
            )
        sealed = None
        if sum(m.row_count for m in marts if m.is_run_grain) > whole_rows:
            sealed = current_or_new(con, layout, marts, generation, seal=seal)
        path = _write_generation(con, layout, marts, generation, sealed)
    _point(layout, path)
    _expire(layout)
    rows = sum(m.row_count for m in marts)
    return Published(generation, path, sealed is None, rows, path.stat().st_size)


def _clear(layout: Layout) -> None:
    """Remove what a publication left that failed before its pointer; nobody was pointed at it.

    Otherwise a disk that is full would get one more whole copy with every cycle.
    """
    for part in layout.snapshots.glob(".*.part*"):
        part.unlink()
    if layout.pointer.exists():
        pointed = int(layout.pointer.read_text().strip().removesuffix(".duckdb").rsplit("-", 1)[1])
        for path in layout.snapshots.glob("*.duckdb"):
            if int(re.split("[-_]", path.stem)[1]) > pointed:
                effects.before("publish.clear", path)
                path.unlink()


# --- a generation ------------------------------------------------------------------------------


def _write_generation(
    con: duckdb.DuckDBPyConnection,
    layout: Layout,
    marts: list[Mart],
    generation: int,
    sealed: Sealed | None,
) -> Path:
    path = layout.snapshots / f"warehouse-{generation:08d}.duckdb"
    part = path.with_name(f".{path.name}.part")
    effects.before("publish.write", path)
    con.execute(f"attach '{part}' as target")
    con.execute("use target")
    if sealed is not None:
        con.execute(f"attach '{sealed.path(layout)}' as {sealed.name} (read_only)")
    con.execute("begin")        # hundreds of comments: one commit, not one each
    con.execute(_META + "create schema marts;")
    if sealed is not None:
        con.execute("create schema delta")
        _collect_touched(con, marts, sealed)
    for mart in marts:
        if sealed is not None and mart.is_run_grain:
            _write_delta(con, mart, sealed)
        else:
            _write_whole(con, mart)
    _write_comments(con, marts)
    con.execute(
        "insert into meta.snapshot values ($1, $2, $3, $4, $5, $6)",
        [
            generation,
            clock.now().replace(tzinfo=None),
            sealed.name if sealed else None,
            *(
                (sealed.generation, sealed.load_number, sealed.sealed_at)
                if sealed
                else (None, None, None)
            ),
        ],
    )
    con.execute("commit; use memory; checkpoint target; detach target")
    settle(part, path)
    _verify(con, path, marts)
    if sealed is not None:
        con.execute(f"detach {sealed.name}")
    return path


def _write_whole(con: duckdb.DuckDBPyConnection, mart: Mart) -> None:
    con.execute(f'create table marts."{mart.name}" as from build.marts."{mart.name}"')


def _collect_touched(con: duckdb.DuckDBPyConnection, marts: list[Mart], sealed: Sealed) -> None:
    """Runs with a row that changed after the seal: they are published whole beside it."""
    parts = " union ".join(
        f'select cluster, dag_id, run_id from build.marts."{m.name}" '
        f"where {LOAD} > {sealed.load_number}"
        for m in marts
        if m.is_run_grain
    )
    con.execute(f"create table delta.touched_runs as {parts}")


def _write_delta(con: duckdb.DuckDBPyConnection, mart: Mart, sealed: Sealed) -> None:
    name = f'"{mart.name}"'
    new = f"(from build.marts.{name} where {LOAD} > {sealed.load_number})"
    # A run that another mart has anew may have its old rows here: only those that are sealed, and
    # few. A semi join with everything would read all of history for them, each minute.
    con.execute(
        "create or replace temp table resting as select distinct cluster, dag_id, run_id "
        f"from {sealed.name}.marts.{name} semi join "
        "(from delta.touched_runs anti join "
        f"(select distinct cluster, dag_id, run_id from {new}) using (cluster, dag_id, run_id)) "
        "using (cluster, dag_id, run_id)"
    )
    resting = (f" union all (select mart.* from build.marts.{name} as mart "
               "semi join resting using (cluster, dag_id, run_id) "
               f"where {LOAD} <= {sealed.load_number})")
    is_any = count_rows(con, "resting") > 0
    con.execute(
        f"create table delta.{name} as from ({new}{resting if is_any else ''}) "
        f"order by {mart.order}"
    )
    con.execute(
        f"create view marts.{name} as select * from {sealed.name}.marts.{name} as sealed "
        "where not exists (select 1 from delta.touched_runs as touched "
        "where touched.cluster = sealed.cluster and touched.dag_id = sealed.dag_id "
        f"and touched.run_id = sealed.run_id) union all by name select * from delta.{name}"
    )


def _write_comments(con: duckdb.DuckDBPyConnection, marts: list[Mart]) -> None:
    """Descriptions of models and columns, so that any SQL tool shows them."""
    names = {m.name for m in marts}
    views = {
        n
        for (n,) in con.execute(
            "select view_name from duckdb_views() where database_name = 'target' "
            "and schema_name = 'marts'"
        ).fetchall()
    }
    statements = []
    for table, comment in con.execute(
        "select table_name, comment from duckdb_tables() where database_name = 'build' "
        "and schema_name = 'marts' and comment is not null"
    ).fetchall():
        kind = "view" if table in views else "table"
        statements.append(f'comment on {kind} marts."{table}" is {_literal(comment)}')
    for table, column, comment in con.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = 'build' and schema_name = 'marts' "
        "and comment is not null"
    ).fetchall():
        if table in names:
            statements.append(
                f'comment on column marts."{table}"."{column}" is {_literal(comment)}')
    if statements:
        con.execute(";".join(statements))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _verify(con: duckdb.DuckDBPyConnection, path: Path, marts: list[Mart]) -> None:
    """Count every mart of the new file; a copy that lost rows is never pointed at."""
    con.execute(f"attach '{path}' as published (read_only)")
    try:
        for mart in marts:
            count = count_rows(con, f'published.marts."{mart.name}"')
            if count != mart.row_count:
                path.unlink()
                raise WarehouseError(
                    f"The snapshot has {count} rows of {mart.name}, the build {mart.row_count}.",
                    expected="the same number",
                    next_step="run `windsock publish --seal`",
                )
    finally:
        con.execute("detach published")


# --- the pointer -------------------------------------------------------------------------------


def _point(layout: Layout, path: Path) -> None:
    effects.write_durably(
        layout.pointer, f"snapshots/{path.name}\n".encode(), name="publish.pointer"
    )


def _expire(layout: Layout) -> None:
    """Remove generations that nobody can open any more by name; open ones stay readable."""
    generations = sorted(layout.snapshots.glob("warehouse-*.duckdb"))
    kept = generations[-KEPT_GENERATIONS:]
    for path in generations[:-KEPT_GENERATIONS]:
        effects.before("publish.expire", path)
        path.unlink()
    needed = set()
    with open_memory() as con:
        for path in kept:
            con.execute(f"attach '{path}' as kept (read_only)")
            needed |= {
                n for (n,) in con.execute("select sealed_name from kept.meta.snapshot").fetchall()
            }
            con.execute("detach kept")
    for path in layout.snapshots.glob("sealed_*.duckdb"):
        if path.stem not in needed:
            path.unlink()
