"""The door for serialized DAGs: what arrives is full of secrets, what leaves is structure.

    serialized_dag.data / data_compressed ─► decode ─► project ─► rows for DAG_SCHEMA,
    GROUP_SCHEMA, TASK_SCHEMA and DEPENDENCY_SCHEMA
    alone: pytest tests/unit/ingest -k structure

**The allow list is the code.** Operator arguments (`bash_command`, `op_args`, `env`, `sql`, `conf`,
`default_args`, the user's part of `partial_kwargs`, defaults of params, callback sources, docs)
stand in the same JSON as the facts we want. Nothing is copied by exclusion: a fact leaves only
because a `Field` in `tasks.py` or `dags.py`, or a line in `graph.py`, `schedules.py`, `assets.py`,
`params.py`, `mapping.py` or `resources.py` names its key, and through a reader that checks its
type and shape. A value of the wrong type becomes null, and the name of its field, never the value,
goes to `DagStructure.faults`. Only what makes the whole document useless raises `StructureError`.

**Absent means default**, and the default is made explicit. `__version` 1 is 1.10 and 2.x, 2 is 3.0,
3 is 3.1 and newer; the defaults that differ between them are in `dags.py`. A site that changed a
default in its airflow.cfg before 3.1 (`default_task_retries`, ...) left no trace of it in the JSON.

**SubDAGs** (1.10, 2.x) have no row of their own in `serialized_dag`: they lie inside their parent's
task. `project_all` yields the parent and then each of them.
"""

from ingest.sources.airflow_db.structure.decoding import MAX_BYTES, StructureError, decode
from ingest.sources.airflow_db.structure.projection import DagStructure, project, project_all
from ingest.sources.airflow_db.structure.schemas import (
    DAG_SCHEMA,
    DEPENDENCY_SCHEMA,
    GROUP_SCHEMA,
    TASK_SCHEMA,
)

__all__ = [
    "DAG_SCHEMA",
    "DEPENDENCY_SCHEMA",
    "GROUP_SCHEMA",
    "MAX_BYTES",
    "TASK_SCHEMA",
    "DagStructure",
    "StructureError",
    "decode",
    "project",
    "project_all",
]
