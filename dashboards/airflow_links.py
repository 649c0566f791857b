"""Addresses in Airflow's own UI: the same DAG, run or task, and where its actions are. Pure.

    base_url + version of dim_clusters, ids  ->  the page of that release's UI

Airflow triggers, clears and marks on these pages (behind its own login); Windsock only leads there.
Routes: 1.10 www (non-RBAC, under /admin), 2.0 to 2.2 tree view, 2.3 to 2.11 grid view, 3.x React.
"""

import re
from datetime import datetime
from urllib.parse import quote, urlencode, urlsplit

_VERSION = re.compile(r"(\d+)\.(\d+)")


def release(airflow_version: str | None) -> tuple[int, int]:
    """Major and minor of what dim_clusters calls the version, the older of a span.

    2.10 when it says nothing: the most common routes.
    """
    found = _VERSION.search(airflow_version or "")
    return (int(found[1]), int(found[2])) if found else (2, 10)


def home(base_url: str | None) -> str | None:
    """Airflow's first page: every release lists there the files that do not load."""
    return _root(base_url)


def dag(base_url: str | None, airflow_version: str | None, dag_id: str) -> str | None:
    """The DAG's own page."""
    root, version = _root(base_url), release(airflow_version)
    if root is None:
        return None
    if version < (2, 0):
        return f"{root}/admin/airflow/tree?{urlencode({'dag_id': dag_id})}"
    if version < (2, 3):
        return f"{root}/tree?{urlencode({'dag_id': dag_id})}"
    if version < (3, 0):
        return f"{root}/dags/{quote(dag_id, safe='')}/grid"
    return f"{root}/dags/{quote(dag_id, safe='')}"


def trigger(base_url: str | None, airflow_version: str | None, dag_id: str) -> str | None:
    """Where a person triggers a run: a form before 3.0, a button on the DAG's page since."""
    root, version = _root(base_url), release(airflow_version)
    if root is None:
        return None
    if version < (2, 0):
        return f"{root}/admin/airflow/trigger?{urlencode({'dag_id': dag_id})}"
    if version < (2, 7):
        return f"{root}/trigger?{urlencode({'dag_id': dag_id})}"
    if version < (3, 0):
        return f"{root}/dags/{quote(dag_id, safe='')}/trigger"
    return dag(base_url, airflow_version, dag_id)


def run(base_url: str | None, airflow_version: str | None, dag_id: str, run_id: str,
        logical_at: datetime | None = None) -> str | None:
    """The run's page, with Airflow's buttons to clear it or mark its state.

    Args:
        base_url: of the cluster, http or https; else None is returned.
        airflow_version: as dim_clusters has it.
        dag_id: the DAG.
        run_id: the run.
        logical_at: its logical date (UTC, naive): what the address has before 2.3.
    """
    root, version = _root(base_url), release(airflow_version)
    if root is None:
        return None
    if version < (2, 3):
        folder = "/admin/airflow" if version < (2, 0) else ""
        named = {"dag_id": dag_id}
        if logical_at is not None:
            named["execution_date"] = f"{logical_at.isoformat()}+00:00"
        return f"{root}{folder}/graph?{urlencode(named)}"
    if version < (3, 0):
        return f"{root}/dags/{quote(dag_id, safe='')}/grid?{urlencode({'dag_run_id': run_id})}"
    return f"{root}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def task(base_url: str | None, airflow_version: str | None, instance: tuple[str, str, str, int],
         logical_at: datetime | None = None) -> str | None:
    """The task instance's page, with its log and the buttons to clear it or mark its state.

    Args:
        base_url: of the cluster.
        airflow_version: as dim_clusters has it.
        instance: dag_id, run_id, task_id, map_index (-1: not mapped).
        logical_at: logical date of the run (UTC, naive), for releases before 2.3.
    """
    dag_id, run_id, task_id, map_index = instance
    root, version = _root(base_url), release(airflow_version)
    if root is None:
        return None
    if version < (2, 3):
        folder = "/admin/airflow" if version < (2, 0) else ""
        named = {"dag_id": dag_id, "task_id": task_id}
        if logical_at is not None:
            named["execution_date"] = f"{logical_at.isoformat()}+00:00"
        return f"{root}{folder}/log?{urlencode(named)}"
    if version < (3, 0):
        named = {"dag_run_id": run_id, "task_id": task_id}
        if map_index >= 0:
            named["map_index"] = str(map_index)
        return f"{root}/dags/{quote(dag_id, safe='')}/grid?{urlencode(named)}"
    of_run = run(base_url, airflow_version, dag_id, run_id)
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return f"{of_run}/tasks/{quote(task_id, safe='')}{mapped}"


def _root(base_url: str | None) -> str | None:
    """The base without a slash at its end, if it is a web address and nothing else."""
    if not base_url:
        return None
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        return None
    if parts.username is not None or parts.password is not None:
        return None
    return base_url.rstrip("/")
