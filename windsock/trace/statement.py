"""Where one column of one model comes from, told by its compiled statement.

    statement + columns of what it reads  ->  sqlglot qualifies every name  ->  scopes
    column  ->  projection  ->  the CTEs below it  ->  columns of other relations

Recursive CTEs are followed once around. What cannot be resolved is never guessed: the answer then
is every column that the statement uses, and says so.
"""

from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from windsock.trace.expressions import spread_structs

ROWS = "*"          # stands for the rows of a relation, where they are counted or numbered


@dataclass(frozen=True, order=True)
class Column:
    """A column of a relation; `name` is `ROWS` for its rows as such."""

    relation: str
    name: str


@dataclass(frozen=True)
class Step:
    """A projection on the way: `place` is the CTE, "" for the final select."""

    place: str
    column: str
    text: str


@dataclass
class Origin:
    """Where a column comes from.

    Attributes:
        steps: projections that change something, the last one first.
        values: columns that its value is made of.
        deciders: columns that only decide which value it takes.
        is_exact: False when the statement could not be resolved: `values` then is all that it uses.
    """

    steps: list[Step] = field(default_factory=list)
    values: list[Column] = field(default_factory=list)
    deciders: list[Column] = field(default_factory=list)
    is_exact: bool = True


@dataclass(frozen=True)
class Statement:
    """A compiled statement with every name qualified.

    Attributes:
        root: the outermost scope; None when sqlglot could not resolve the statement.
        recursive: identity of the first branch of a recursive CTE -> the whole CTE.
        relations: names of what it may read.
        used: all columns that it reads, in the order of the relations and their columns.
    """

    root: Scope | None
    recursive: dict[int, Scope]
    relations: frozenset[str]
    used: tuple[Column, ...]


def read_statement(sql: str, columns: dict[str, dict[str, str]]) -> Statement:
    """A statement ready to be asked.

    Args:
        sql: compiled; relations are named with their rooms.
        columns: relation -> column -> type of all that it reads.
    """
    schema: dict[str, object] = {}
    for relation, types in columns.items():
        room, _, name = relation.partition(".")
        room_of = schema.setdefault(room, {})
        assert isinstance(room_of, dict)  # noqa: S101
        room_of[name] = dict(types)
    used = tuple(Column(r, c) for r, types in columns.items() for c in types)
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        spread_structs(tree)
        tree = qualify(tree, dialect="duckdb", schema=schema, validate_qualify_columns=False,
                       quote_identifiers=False)
        root = build_scope(tree)
    except SqlglotError:
        return Statement(None, {}, frozenset(columns), used)
    if root is None:
        return Statement(None, {}, frozenset(columns), used)
    recursive = {
        id(scope.expression.this): scope
        for scope in root.traverse()
        if scope.is_cte and isinstance(scope.expression, exp.SetOperation)
    }
    return Statement(root, recursive, frozenset(columns), _used(root, set(columns)) or used)


def _used(root: Scope, relations: set[str]) -> tuple[Column, ...]:
    found = {
        Column(relation_of(source), column.name): None
        for scope in root.traverse()
        for column in scope.columns
        if isinstance(source := scope.sources.get(column.table), exp.Table)
        and relation_of(source) in relations
    }
    return tuple(found)


def relation_of(table: exp.Table) -> str:
    """Name of a table with its room."""
    return f"{table.db}.{table.name}" if table.db else str(table.name)
