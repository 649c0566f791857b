"""Columns of every relation, as DuckDB itself names and types them.

    landing tables -> empty tables;  seeds and models -> tables without rows, in order
                   -> duckdb_columns()

So stars, structs and macros are bound by the engine that builds them, and no build is needed.
"""

import importlib.util
from types import SimpleNamespace
from typing import Any

import duckdb

from windsock.errors import BuildError
from windsock.trace.project import ROOT, Project, Relation, with_parents
from windsock.warehouse import open_memory

Columns = dict[str, dict[str, str]]


def columns_of(project: Project, landing: Columns, wanted: set[str]) -> Columns:
    """Columns of relations and of all that they read.

    Args:
        project: the compiled models.
        landing: landing table -> column -> DuckDB type.
        wanted: names of relations.

    Returns:
        Relation -> column -> DuckDB type, each in its order.

    Raises:
        BuildError: DuckDB does not accept a model's statement.
    """
    con = open_memory()
    try:
        for relation in with_parents(project, wanted):
            schema, _, table = relation.name.partition(".")
            con.execute(f'create schema if not exists "{schema}"')
            try:
                _create(con, relation, landing, f'"{schema}"."{table}"')
            except duckdb.Error as error:
                raise BuildError(
                    f"DuckDB does not accept {relation.path}: {error}",
                    expected="a statement over columns that exist",
                    next_step="mend the model; `windsock build` says the same") from error
        found: Columns = {}
        for schema, table, column, kind in con.execute(
                "select schema_name, table_name, column_name, data_type from duckdb_columns() "
                "where not internal order by schema_name, table_name, column_index").fetchall():
            found.setdefault(f"{schema}.{table}", {})[column] = kind.lower()
        return found
    finally:
        con.close()


def _create(con: duckdb.DuckDBPyConnection, relation: Relation, landing: Columns,
            target: str) -> None:
    if relation.kind == "source":
        body = ", ".join(f'"{c}" {t}' for c, t in landing[relation.short_name].items())
        con.execute(f"create table {target} ({body})")
    elif relation.kind == "seed":
        path = str(ROOT / relation.path).replace("'", "''")
        types = ", ".join(f"'{c}': '{t}'" for c, t in relation.types.items())
        given = f", types = {{{types}}}" if types else ""
        con.execute(f"create table {target} as from read_csv('{path}'{given}) limit 0")
    elif relation.language == "python":
        rows = _rows_of_python(con, relation)
        con.register("rows_of_python", rows)
        con.execute(f"create table {target} as from rows_of_python limit 0")
        con.unregister("rows_of_python")
    else:
        con.execute(f"create table {target} as ({relation.sql}\n) with no data")


def _rows_of_python(con: duckdb.DuckDBPyConnection, relation: Relation) -> Any:
    """What a Python model gives for tables without rows: its columns."""
    spec = importlib.util.spec_from_file_location(relation.short_name, ROOT / relation.path)
    if spec is None or spec.loader is None:
        raise BuildError(f"{relation.path} cannot be imported.", next_step="is it a Python file?")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parents = {parent.partition(".")[2]: parent for parent in relation.parents}
    dbt = SimpleNamespace(ref=lambda name: con.table(parents[name]), config=lambda **_: None)
    return module.model(dbt, con)
