"""The project as dbt compiles it, once for all tests.

A test module imports the fixture:

    from tests.compiled_project import Compiled, compiled

With pytest-xdist the first worker compiles and the others wait for its lock.
"""

import fcntl
import os
from dataclasses import dataclass

import pytest

from ingest.sources.airflow_db.provenance import landing_types
from windsock.trace.catalog import Columns, columns_of
from windsock.trace.load import load_project
from windsock.trace.project import Project
from windsock.warehouse import Layout


@dataclass(frozen=True)
class Compiled:
    """Every model compiled, with the columns that DuckDB gives each relation."""

    layout: Layout
    project: Project
    columns: Columns


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The project, compiled."""
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "compiled-project"
    root.mkdir(exist_ok=True)
    layout = Layout(root)
    with (root / "making.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        project = load_project(layout)
    return Compiled(layout, project, columns_of(project, landing_types(), set(project.relations)))
