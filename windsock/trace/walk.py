"""One column of one statement, followed down its scopes.

    final select -> the CTE that a column comes from -> ... -> columns of other relations
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from windsock.trace.expressions import Parts, field_of, is_bare, one_line, split
from windsock.trace.statement import ROWS, Column, Origin, Statement, Step, relation_of


def origin_of(statement: Statement, column: str) -> Origin:
    """Where a column (or `ROWS`) of the statement comes from."""
    origin = Origin()
    if statement.root is not None:
        walk = _Walk(statement, origin)
        if column == ROWS:
            walk.rows(statement.root, is_deciding=False)
        elif not walk.follow(statement.root, column, "", is_deciding=False):
            walk.is_lost = True
        if not walk.is_lost:
            walk.settle()
            origin.deciders = [c for c in origin.deciders if c not in origin.values]
            return origin
    return Origin(values=list(statement.used), is_exact=False)


@dataclass
class _Walk:
    """One walk down the scopes of a statement.

    Attributes:
        statement: what is walked.
        origin: what was found so far.
        is_lost: a name could not be resolved.
        counts_rows: an aggregate, or a turn of a recursive CTE, was met.
        seen: outputs that were followed: scope, column, field, and whether it only decides.
    """

    statement: Statement
    origin: Origin
    is_lost: bool = False
    counts_rows: bool = False
    seen: set[tuple[int, str, str, bool]] = field(default_factory=set)

    def settle(self) -> None:
        """Constants alone: what decides between them is the origin, or the rows counted."""
        origin = self.origin
        if not origin.values and origin.deciders:
            origin.values, origin.deciders = origin.deciders, []
        elif not origin.values and self.counts_rows and self.statement.root is not None:
            self.rows(self.statement.root, is_deciding=False)

    def follow(self, scope: Scope, column: str, part: str, *, is_deciding: bool) -> bool:
        """Follow one output of a scope (`part`: a field of it); False when it has none such."""
        key = (id(scope), column, part, is_deciding)
        if key in self.seen:
            self.counts_rows |= id(scope) in {id(s) for s in self.statement.recursive.values()}
            return True
        self.seen.add(key)
        expression = scope.expression
        if isinstance(expression, exp.SetOperation):
            return self._follow_branches(scope, column, part, is_deciding=is_deciding)
        if isinstance(expression, exp.Select):
            for projection in expression.selects:
                if projection.alias_or_name == column:
                    self._project(scope, column, projection, part, is_deciding=is_deciding)
                    return True
            return False
        if isinstance(expression, exp.Subquery):
            return self.follow(self._inner(scope), column, part, is_deciding=is_deciding)
        # values, unnest and other functions of tables
        self._take(scope, split(expression), is_deciding=is_deciding)
        return True

    def _inner(self, scope: Scope) -> Scope:
        return scope.subquery_scopes[0] if scope.subquery_scopes else scope.derived_table_scopes[0]

    def _follow_branches(self, scope: Scope, column: str, part: str, *, is_deciding: bool) -> bool:
        names = _outputs(scope.expression)
        if column not in names:
            return False
        position = names.index(column)
        is_by_name = bool(scope.expression.args.get("by_name"))
        for branch in scope.set_operation_scopes:
            own = _outputs(branch.expression)
            name = column if is_by_name else own[position]
            if name in own and not self.follow(branch, name, part, is_deciding=is_deciding):
                return False
        return True

    def _project(self, scope: Scope, column: str, projection: exp.Expr, part: str, *,
                 is_deciding: bool) -> None:
        inner = projection.unalias()
        parts = split(inner)
        self.counts_rows |= parts.is_aggregate
        if part and (only := field_of(inner, part)) is not None:
            narrow = split(only)
            parts = Parts(narrow.values, (*parts.deciders, *narrow.deciders), (),
                          narrow.is_constant, parts.is_aggregate)
        elif not is_deciding and not is_bare(inner):
            self.origin.steps.append(Step(_place(scope), column, one_line(inner)))
        self._take(scope, parts, part=part, is_deciding=is_deciding)

    def _take(self, scope: Scope, parts: Parts, *, part: str = "", is_deciding: bool) -> None:
        for value in parts.values:
            is_asked = any(value is presence for presence in parts.presences)
            self._enter(scope, value, part, is_deciding=is_deciding, is_asked=is_asked)
        for decider in parts.deciders:
            self._enter(scope, decider, "", is_deciding=True, is_asked=False)
        if not parts.values and not parts.is_constant:
            self.rows(scope, is_deciding=is_deciding)

    def _enter(self, scope: Scope, value: exp.Expr, part: str, *, is_deciding: bool,
               is_asked: bool) -> None:
        if not isinstance(value, exp.Column):
            self._enter_query(scope, value, is_deciding=is_deciding)
            return
        source = _source(scope, value.table)
        field_name = part or _field(value)
        if is_asked and _is_joined_by(scope, value):
            self._rows_of(source, is_deciding=is_deciding)
        elif isinstance(source, exp.Table):
            self._add_of(source, value.name, is_deciding=is_deciding)
        elif source is None or not self.follow(
                self._whole(source), value.name, field_name, is_deciding=is_deciding):
            self.is_lost = True

    def _enter_query(self, scope: Scope, query: exp.Expr, *, is_deciding: bool) -> None:
        wanted = query.unnest()
        for inner in scope.subquery_scopes:
            if inner.expression.unnest() is wanted:
                for name in _outputs(wanted):
                    self.follow(inner, name, "", is_deciding=is_deciding)
                return
        self.is_lost = True

    def rows(self, scope: Scope, *, is_deciding: bool) -> None:
        """What the rows of a scope are made of: all that it reads but for left joins."""
        key = (id(scope), ROWS, "", is_deciding)
        if key in self.seen:
            return
        self.seen.add(key)
        if isinstance(scope.expression, exp.SetOperation):
            for branch in scope.set_operation_scopes:
                self.rows(branch, is_deciding=is_deciding)
        for name, (_, source) in scope.selected_sources.items():
            join = _join_of(scope, name)
            if join is None or join.side.upper() != "LEFT":
                self._rows_of(source, is_deciding=is_deciding)

    def _rows_of(self, source: exp.Table | Scope | None, *, is_deciding: bool) -> None:
        if isinstance(source, exp.Table):
            self._add_of(source, ROWS, is_deciding=is_deciding)
        elif source is not None:
            self.rows(self._whole(source), is_deciding=is_deciding)

    def _whole(self, scope: Scope) -> Scope:
        """A recursive CTE sees only its first branch of itself: the whole of it instead."""
        return self.statement.recursive.get(id(scope.expression), scope)

    def _add_of(self, table: exp.Table, name: str, *, is_deciding: bool) -> None:
        """A column of a relation; of anything else, such as a function that reads a file, none."""
        if relation_of(table) not in self.statement.relations:
            self.is_lost = True
            return
        column = Column(relation_of(table), name)
        found = self.origin.deciders if is_deciding else self.origin.values
        if column not in found:
            found.append(column)


def _outputs(expression: exp.Expr) -> list[str]:
    return list(expression.named_selects) if isinstance(expression, exp.Query) else []


def _place(scope: Scope) -> str:
    """Name of the CTE or derived table that a scope is the statement of."""
    for node in _ancestors(scope.expression):
        if isinstance(node, exp.CTE):
            return str(node.alias)
        if isinstance(node, exp.Subquery) and node.alias:
            return str(node.alias)
    return ""


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _source(scope: Scope, table: str) -> exp.Table | Scope | None:
    """What a table name means in a scope; a correlated one means what it does further out."""
    within: Scope | None = scope
    while within is not None:
        if table in within.sources:
            found: exp.Table | Scope = within.sources[table]
            return found
        within = within.parent
    return None


def _field(column: exp.Column) -> str:
    """Which field of a struct is read: `column.field`, `unnest(column).field`."""
    node: exp.Expr = column
    if isinstance(node.parent, exp.Explode):
        node = node.parent
    parent = node.parent
    if isinstance(parent, exp.Dot) and parent.this is node:
        return str(parent.expression.name)
    return ""


def _join_of(scope: Scope, name: str) -> exp.Join | None:
    for join in scope.expression.args.get("joins") or ():
        if join.alias_or_name == name:
            found: exp.Join = join
            return found
    return None


def _is_joined_by(scope: Scope, column: exp.Column) -> bool:
    """Whether a column is what a left join goes by: null then says that there was no row."""
    join = _join_of(scope, column.table)
    if join is None or join.side.upper() != "LEFT":
        return False
    condition = join.args.get("on")
    return condition is not None and any(
        c.table == column.table and c.name == column.name
        for c in condition.find_all(exp.Column))
