"""`windsock trace marts.fct_dag_runs.running_seconds`: a number walked back to Airflow's own table.

    dbt compiles (load, manifest) -> DuckDB names the columns (catalog) -> sqlglot reads one
    statement (statement, walk, expressions) -> one column over all models (chain) -> render

Nothing needs to be landed or built, and nothing is locked.
"""

from difflib import get_close_matches

from windsock.errors import ConfigError
from windsock.trace.catalog import Columns, columns_of
from windsock.trace.chain import chains
from windsock.trace.load import load_project
from windsock.trace.project import Project
from windsock.trace.render import WhereFrom, render_chain, render_model
from windsock.trace.statement import Column
from windsock.warehouse import Layout

_ROOMS = ("marts", "intermediate", "staging", "landing")


def trace(name: str, layout: Layout, *, landing: Columns, where_from: WhereFrom) -> str:
    """Where a column comes from, or the columns of a model.

    Args:
        name: `[room.]model.column`, or `[room.]model`.
        layout: which warehouse; what was compiled is kept beside it.
        landing: landing table -> column -> DuckDB type.
        where_from: says of a landing table's column what it was at the source.

    Raises:
        ConfigError: no model or column has this name.
        BuildError: the models cannot be compiled.
    """
    room, parts = _parts(name)
    project = load_project(layout, parts[0])
    relation, column = _find(project, room, parts)
    found = columns_of(project, landing, {relation})
    if column is None:
        return render_model(project.relations[relation], found[relation])
    if column not in found[relation]:
        raise ConfigError(
            f"{relation} has no column {column!r}.",
            next_step=_nearest(column, list(found[relation]), f"windsock trace {relation}."))
    start = Column(relation, column)
    if project.relations[relation].kind == "source":
        table = project.relations[relation].short_name
        return f"{relation}.{column} <- {where_from(table, column)}"
    [chain] = chains(project, found, [start])
    return render_chain(project, chain, found, where_from)


def _parts(name: str) -> tuple[str | None, list[str]]:
    """The room, if one is named, and the model with its column, if one is."""
    parts = name.strip().lower().split(".")
    room = parts.pop(0) if parts[0] in _ROOMS and len(parts) > 1 else None
    if len(parts) > 2 or not all(parts):
        raise ConfigError(f"{name!r} is not the name of a column.",
                          expected="model.column, such as marts.fct_dag_runs.running_seconds",
                          next_step="`windsock trace fct_dag_runs` lists the columns of a model")
    return room, parts


def _find(project: Project, room: str | None, parts: list[str]) -> tuple[str, str | None]:
    """The relation that a name means, and the column if it names one."""
    by_name = {
        r.short_name: r.name for r in project.relations.values() if room in (None, r.room)
    }
    if parts[0] not in by_name:
        raise ConfigError(
            f"There is no model {parts[0]!r}{f' in {room}' if room else ''}.",
            next_step=_nearest(parts[0], list(by_name), "windsock trace "))
    return by_name[parts[0]], parts[1] if len(parts) == 2 else None


def _nearest(name: str, names: list[str], command: str) -> str:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if not near:
        return f"there are: {', '.join(sorted(names)[:12])}{', …' if len(names) > 12 else ''}"
    return f"did you mean {', '.join(f'`{command}{n}`' for n in near)}?"
