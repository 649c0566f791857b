"""What an expression takes its value from, and what only decides which value it takes.

    case when a.state = 'failed' then b.ended_at end      value b.ended_at, decided by a.state
    max(x) filter (where y)                               value x, decided by y
    row_number() over (order by x)                        no value: what decides is followed instead
    count(*)                                              nothing but the rows themselves
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlglot import exp

_WIDTH = 120
_TEXT_OR_REST = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")")


@dataclass(frozen=True)
class Parts:
    """What an expression is made of.

    Attributes:
        values: columns and subqueries that its value comes from.
        deciders: columns and subqueries that choose among values.
        presences: columns that are only asked whether they are null.
        is_constant: no column at all, and no count of rows.
        is_aggregate: many rows make one value.
    """

    values: tuple[exp.Expr, ...]
    deciders: tuple[exp.Expr, ...]
    presences: tuple[exp.Column, ...]
    is_constant: bool
    is_aggregate: bool


def split(expression: exp.Expr) -> Parts:
    """Values and deciders of a projection.

    Where only conditions have columns (`case when lost then 'lost' end`), they are the values.
    """
    found: list[tuple[exp.Expr, bool]] = []
    _collect(expression, found, is_deciding=False)
    presences = tuple(c for c, _ in found if isinstance(c, exp.Column) and _is_presence(c))
    values = _once(e for e, is_deciding in found if not is_deciding)
    deciders = _once(e for e, is_deciding in found if is_deciding)
    if not values:
        values, deciders = deciders, ()
    counts_rows = any(True for _ in expression.find_all(
        exp.Count, exp.RowNumber, exp.Rank, exp.DenseRank))
    is_aggregate = expression.find(exp.AggFunc) is not None
    return Parts(values, deciders, presences, not values and not counts_rows, is_aggregate)


def field_of(expression: exp.Expr, name: str) -> exp.Expr | None:
    """The expression of one field, where a struct is made: `struct_pack(name := …)`."""
    for struct in expression.find_all(exp.Struct):
        for item in struct.expressions:
            if isinstance(item, exp.PropertyEQ) and item.this.name == name:
                inner: exp.Expr = item.expression
                return inner
    return None


def spread_structs(tree: exp.Expr) -> None:
    """Write out `unnest(structs, recursive := true)`: one projection for each field.

    sqlglot does not know that it makes columns. Their names are those of the struct that the same
    statement makes under that name.
    """
    for unnest in list(tree.find_all(exp.Explode)):
        statement = unnest.parent
        if not (isinstance(statement, exp.Select) and unnest.expressions):
            continue
        made = next((p for p in tree.find_all(exp.Alias)
                     if p.alias == unnest.this.name and p.find(exp.Struct)), None)
        struct = made.find(exp.Struct) if made is not None else None
        if struct is None:
            continue
        spread: list[exp.Expr] = []
        for projection in statement.expressions:
            names = [f.this.name for f in struct.expressions] if projection is unnest else []
            spread += [
                exp.alias_(exp.Dot(this=exp.Explode(this=unnest.this.copy()),
                                   expression=exp.to_identifier(name)), name)
                for name in names
            ] or [projection]
        statement.set("expressions", spread)


def is_bare(expression: exp.Expr) -> bool:
    """Whether an expression is another column, or nothing: not worth a line."""
    inner = expression.this if isinstance(expression, exp.Cast) else expression
    return isinstance(inner, exp.Column | exp.Null)


def one_line(expression: exp.Expr) -> str:
    """The expression as lower-case SQL on one line, cut where it is very long."""
    bare = expression.unalias()
    text = bare.sql(dialect="duckdb", comments=False, normalize_functions="lower")
    parts = _TEXT_OR_REST.split(" ".join(text.split()))
    line = "".join(part if index % 2 else part.lower() for index, part in enumerate(parts))
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def _once(expressions: Iterable[exp.Expr]) -> tuple[exp.Expr, ...]:
    found = {e.sql(): e for e in reversed(list(expressions))}
    return tuple(reversed(found.values()))


def _collect(node: exp.Expr, found: list[tuple[exp.Expr, bool]], *, is_deciding: bool) -> None:
    if isinstance(node, exp.Column | exp.Query):
        if not _is_parameter(node):
            found.append((node, is_deciding))
        return
    deciding = list(_deciding_children(node))
    apart = {id(child) for child in deciding}
    for child in node.iter_expressions():
        if id(child) not in apart:
            _collect(child, found, is_deciding=is_deciding)
    for child in deciding:
        _collect(child, found, is_deciding=True)


def _deciding_children(node: exp.Expr) -> Iterator[exp.Expr]:
    """The children of a node that choose a value and are none themselves."""
    if isinstance(node, exp.If):
        if not _names(node.parent if isinstance(node.parent, exp.Case) else node):
            yield node.this
    elif isinstance(node, exp.Case):
        if node.this is not None and not _names(node):
            yield node.this
    elif isinstance(node, exp.Filter | exp.ArgMax | exp.ArgMin | exp.Nullif):
        yield node.expression
    elif isinstance(node, exp.Order):
        yield from node.expressions
    elif isinstance(node, exp.Window):
        yield from (child for child in node.iter_expressions() if child is not node.this)
        yield from _named_window(node)


def _names(node: exp.Expr) -> bool:
    """Whether a choice gives a word of its own (`then 'lost'`): its conditions are its origin."""
    branches = node.args.get("ifs") or [node]
    results = [r for b in branches for r in (b.args.get("true"), b.args.get("false"))]
    results.append(node.args.get("default"))
    return any(isinstance(r, exp.Literal) and r.is_string for r in results)


def _named_window(node: exp.Window) -> Iterator[exp.Expr]:
    """What a window stands for that the statement names in its `window` clause."""
    statement = node.find_ancestor(exp.Select)
    if statement is not None and node.alias:
        for window in statement.args.get("windows") or ():
            if window is not node and window.name == node.alias:
                yield from (c for c in window.iter_expressions() if c is not window.this)


def _is_parameter(node: exp.Expr) -> bool:
    """Whether a name is the parameter of a lambda."""
    if not isinstance(node, exp.Column) or node.table:
        return False
    function = node.find_ancestor(exp.Lambda)
    return function is not None and node.name in {p.name for p in function.expressions}


def _is_presence(column: exp.Column) -> bool:
    parent = column.parent
    return isinstance(parent, exp.Is) and isinstance(parent.expression, exp.Null)
