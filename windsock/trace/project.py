"""What is known of the project: every landing table, seed and model, with its tests.

    load.py makes it with dbt  ->  Project  ->  catalog.py, chain.py, render.py, flow.py
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Check:
    """A test of a model.

    Attributes:
        text: what it says, such as `unique_grain(columns: [cluster, dag_id])`, or its name.
        column: of which column; "" for the model as a whole.
        kind: data or unit.
    """

    text: str
    column: str
    kind: Literal["data", "unit"]


@dataclass(frozen=True)
class Relation:
    """A model, a seed or a landing table.

    Attributes:
        name: as in `from`, with its room: `marts.fct_dag_runs`.
        kind: model, seed or source.
        path: of its file, from the project's folder.
        language: sql or python; "" for seeds and sources.
        sql: compiled; "" when it is not SQL, or was not needed yet.
        parents: names of what it reads.
        materialized: view, table, incremental, seed or source.
        description: its text.
        columns: column -> description, where one is written.
        checks: its tests.
        owner: who answers for it; "" when nobody does.
        types: column -> DuckDB type, where a seed's yml says so.
    """

    name: str
    kind: Literal["model", "seed", "source"]
    path: str
    language: str
    sql: str
    parents: tuple[str, ...]
    materialized: str
    description: str
    columns: dict[str, str]
    checks: tuple[Check, ...]
    owner: str
    types: dict[str, str]

    @property
    def room(self) -> str:
        """Schema of the relation."""
        return self.name.partition(".")[0]

    @property
    def short_name(self) -> str:
        """The name without its room."""
        return self.name.partition(".")[2]


@dataclass(frozen=True)
class Project:
    """Every relation by name, parents before children, and the pages that read marts.

    Attributes:
        relations: by name.
        pages: page -> names of the relations that it reads.
    """

    relations: dict[str, Relation]
    pages: dict[str, tuple[str, ...]]


def with_parents(project: Project, wanted: set[str]) -> list[Relation]:
    """Relations and all that they read, directly or not; parents first."""
    needed = set(wanted)
    for relation in reversed(list(project.relations.values())):
        if relation.name in needed:
            needed.update(relation.parents)
    return [r for r in project.relations.values() if r.name in needed]
