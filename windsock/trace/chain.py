"""The chain of one column over all models, back to landing tables and seeds.

    marts.fct_dag_runs.running_seconds -> int_critical_path__totals.running_us -> … -> landing.…
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from windsock.trace.catalog import Columns
from windsock.trace.project import Project
from windsock.trace.statement import Column, Origin, read_statement
from windsock.trace.walk import origin_of

Origins = Callable[[Column], Origin]


@dataclass(frozen=True)
class Chain:
    """One column with all that its value comes from.

    Attributes:
        start: the column that was asked for.
        origins: of every column of a model on the way, in the order in which they are met.
    """

    start: Column
    origins: dict[Column, Origin]

    @property
    def ends(self) -> tuple[Column, ...]:
        """Columns of landing tables and seeds at which the chain ends, in the order met."""
        found = {
            value: None for origin in self.origins.values() for value in origin.values
            if value not in self.origins
        }
        return tuple(found)

    def by_model(self) -> dict[str, list[str]]:
        """Models on the way -> their columns on the way."""
        found: dict[str, list[str]] = {}
        for column in self.origins:
            found.setdefault(column.relation, []).append(column.name)
        return found


def chains(project: Project, columns: Columns, starts: Iterable[Column]) -> list[Chain]:
    """The chains of columns; a statement is read once for all of them.

    Args:
        project: the compiled models.
        columns: of every relation that the starts' models read, directly or not.
        starts: columns of models.
    """
    statements = {}
    origins: dict[Column, Origin] = {}

    def origin(column: Column) -> Origin:
        if column in origins:
            return origins[column]
        relation = project.relations[column.relation]
        parents = {name: columns[name] for name in relation.parents}
        if relation.language == "python":
            found = Origin(values=[Column(r, c) for r, types in parents.items() for c in types],
                           is_exact=False)
        else:
            if relation.name not in statements:
                statements[relation.name] = read_statement(relation.sql, parents)
            found = origin_of(statements[relation.name], column.name)
        origins[column] = found
        return found

    return [_chain(project, start, origin) for start in starts]


def _chain(project: Project, start: Column, origin: Origins) -> Chain:
    found: dict[Column, Origin] = {}
    waiting = [start]
    while waiting:
        column = waiting.pop()
        if column in found or project.relations[column.relation].kind != "model":
            continue
        found[column] = origin(column)
        waiting += reversed(found[column].values)
    return Chain(start, found)
