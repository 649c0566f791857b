"""A chain as a person reads it: the tree of files, then the checks on each.

    int_critical_path__totals.running_us     models/…/int_critical_path__totals.sql
    │  = sum(steps.running_us)
    │  decided by int_critical_path__steps.path_kind
    └─ int_critical_path__steps.running_us   models/…/int_critical_path__steps.sql
"""

from collections.abc import Callable

from windsock.trace.catalog import Columns
from windsock.trace.chain import Chain
from windsock.trace.project import Check, Project, Relation
from windsock.trace.statement import ROWS, Column, Origin

WhereFrom = Callable[[str, str], str]
_SHOWN = 6      # deciders of a column; more are counted


def render_chain(project: Project, chain: Chain, columns: Columns, where_from: WhereFrom) -> str:
    """The whole answer for one column.

    Args:
        project: the compiled models.
        chain: the column and its chain.
        columns: relation -> column -> type.
        where_from: says of a landing table's column (or `ROWS`) what it was at the source.
    """
    start = project.relations[chain.start.relation]
    kind = columns[start.name].get(chain.start.name, "")
    said = start.columns.get(chain.start.name, "")
    lines = [f"{start.name}.{chain.start.name}  {kind}".rstrip(), *([f"  {said}"] if said else [])]
    lines += ["", *_Tree(project, chain, where_from).lines(), "", *_ends(chain)]
    lines += ["", "Checks on the way", *_checks(project, chain)]
    return "\n".join(lines)


def render_model(relation: Relation, columns: dict[str, str]) -> str:
    """A model alone: its columns."""
    width = max(map(len, columns))
    kinds = max(map(len, columns.values()))
    lines = [
        f"  {name:{width}}  {kind:{min(kinds, 24)}}  {relation.columns.get(name, '')}".rstrip()
        for name, kind in columns.items()
    ]
    head = [f"{relation.name}  {relation.path}", f"  {relation.description}", ""]
    follow = f"Next: windsock trace {relation.name}.{next(iter(columns))}"
    return "\n".join([*head, *lines, "", follow])


class _Tree:
    """The lines of a chain; what was shown once is only named again."""

    def __init__(self, project: Project, chain: Chain, where_from: WhereFrom) -> None:
        self.project = project
        self.chain = chain
        self.where_from = where_from
        self.shown: set[Column] = set()

    def lines(self) -> list[str]:
        return self._node(self.chain.start, "", "")

    def _node(self, column: Column, branch: str, below: str) -> list[str]:
        if column not in self.chain.origins:
            return [f"{branch}{self._end(column)}"]
        relation = self.project.relations[column.relation]
        head = f"{branch}{_said(column)}"
        if column in self.shown:
            return [f"{head}   (above)"]
        self.shown.add(column)
        origin = self.chain.origins[column]
        lines = [f"{head}   {relation.path}"]
        stem = "│  " if origin.values else "   "
        lines += [f"{below}{stem}{text}" for text in _texts(relation, origin)]
        for index, value in enumerate(origin.values):
            is_last = index == len(origin.values) - 1
            lines += self._node(value, f"{below}{'└─ ' if is_last else '├─ '}",
                                f"{below}{'   ' if is_last else '│  '}")
        return lines

    def _end(self, column: Column) -> str:
        relation = self.project.relations[column.relation]
        if relation.kind == "seed":
            return f"{_said(column)} <- {relation.path}"
        source = self.where_from(relation.short_name, column.name)
        named = relation.name if column.name == ROWS else f"{relation.name}.{column.name}"
        return f"{named} <- {source}"


def _said(column: Column) -> str:
    model = column.relation.partition(".")[2]
    return f"rows of {model}" if column.name == ROWS else f"{model}.{column.name}"


def _texts(relation: Relation, origin: Origin) -> list[str]:
    texts = [
        f"{step.place}.{step.column} = {step.text}" if step.place else f"= {step.text}"
        for step in origin.steps
    ]
    if not origin.is_exact:
        reason = ("a Python model" if relation.language == "python"
                  else "not resolved by column")
        texts.append(f"{reason}: by way of all that it reads")
    elif not origin.values:
        texts.append("a constant of the model")
    if origin.deciders:
        names = ", ".join(_said(c) for c in origin.deciders[:_SHOWN])
        more = len(origin.deciders) - _SHOWN
        texts.append(f"decided by {names}{f' and {more} more' if more > 0 else ''}")
    return texts


def _ends(chain: Chain) -> list[str]:
    tables: dict[str, list[str]] = {}
    for end in chain.ends:
        tables.setdefault(end.relation, []).append("(rows)" if end.name == ROWS else end.name)
    if not tables:
        return ["Ends in constants of the models."]
    return ["Ends in", *(f"  {table}: {', '.join(names)}" for table, names in tables.items())]


def _checks(project: Project, chain: Chain) -> list[str]:
    lines, bare = [], []
    for name, traced in chain.by_model().items():
        relation = project.relations[name]
        of_model = [c for c in relation.checks if c.kind == "data" and c.column in ("", *traced)]
        units = [c.text for c in relation.checks if c.kind == "unit"]
        if not of_model and not units:
            bare.append(relation.short_name)
            continue
        lines.append(f"  {relation.path}")
        lines += [f"    data  {_check(c)}" for c in of_model]
        lines += [f"    unit  {text}" for text in units]
    if bare:
        lines.append(f"  none of their own: {', '.join(bare)}")
    return lines


def _check(check: Check) -> str:
    return f"{check.column}: {check.text}" if check.column else check.text
