"""The model path of every changed DAG; the work is done in `windsock.model_path`."""

from typing import Any

from windsock.model_path import model_paths


def model(dbt: Any, session: Any) -> Any:
    """One row per task of the latest structure of a changed DAG."""
    dbt.config(materialized="table")
    tasks = dbt.ref("int_model_path__measured_tasks").pl()
    edges = dbt.ref("int_model_path__edges").pl()
    return model_paths(tasks, edges)
