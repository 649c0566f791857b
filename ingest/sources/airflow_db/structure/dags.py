"""The DAG row: the allow list of `dag`.

dag fields → default of the version that wrote them ─► one row of DAG_SCHEMA, but for its hashes
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingest.sources.airflow_db.structure.params import params_schema
from ingest.sources.airflow_db.structure.readers import (
    Field,
    Unreadable,
    as_list,
    as_object,
    flag,
    identifier,
    instant,
    note,
    number,
    presence,
    read_fields,
    seconds,
    texts,
    timezone,
    unwrap,
    whole,
)
from ingest.sources.airflow_db.structure.schedules import schedule_of

_MAX_ACTIVE_TASKS = ("max_active_tasks", "_max_active_tasks", "_concurrency", "concurrency")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _dag_fields(is_version_1: bool) -> tuple[Field, ...]:
    """The allow list. 1.10 and 2.x catch up unless told otherwise; 3.x does not."""
    return (
        Field("timezone", ("timezone",), timezone, "UTC"),
        Field("start_date_at", ("start_date",), instant),
        Field("end_date_at", ("end_date",), instant),
        Field("catchup", ("catchup",), flag, is_version_1),
        Field("max_active_runs", ("max_active_runs",), whole, 16),
        Field("max_active_tasks", _MAX_ACTIVE_TASKS, whole, 16),
        Field("max_consecutive_failed_dag_runs", ("max_consecutive_failed_dag_runs",), whole, 0),
        Field("dagrun_timeout_seconds", ("dagrun_timeout",), seconds),
        # 2.x knows `fail_stop` but never serializes it: unknown there, not false.
        Field("fail_fast", ("fail_fast", "fail_stop"), flag, None if is_version_1 else False),
        Field("is_paused_upon_creation", ("is_paused_upon_creation",), flag),
        Field("has_on_success_callback", ("has_on_success_callback",), presence, False),
        Field("has_on_failure_callback", ("has_on_failure_callback",), presence, False),
        Field("tags", ("tags",), texts, ()),
    )


_FIELDS = {is_version_1: _dag_fields(is_version_1) for is_version_1 in (True, False)}


def dag_row(
    dag_id: str, dag: Mapping[str, Any], version: int | None, faults: list[str]
) -> dict[str, Any]:
    """One row of DAG_SCHEMA, without what depends on the tasks.

    Args:
        dag_id: the DAG.
        dag: its JSON object.
        version: `__version`, None when it is not a number.
        faults: gets the names of what could not be read.

    Returns:
        The row. 1.10 does not serialize callbacks of the DAG: null there, told by the absence of
        task groups, which 2.0 brought.
    """
    is_version_1 = "_dag_id" in dag if version is None else version <= 1
    row: dict[str, Any] = {"dag_id": dag_id, "format_version": version}
    row |= read_fields(dag, _FIELDS[is_version_1], "dag", faults)
    if is_version_1 and "_task_group" not in dag:
        for name in ("has_on_success_callback", "has_on_failure_callback"):
            row[name] = row[name] or None
    row["tags"] = None if row["tags"] is None else list(row["tags"])
    row |= schedule_of(dag, is_version_1, faults)
    row["schedule_timezone"] = row["schedule_timezone"] or row["timezone"]
    row["params_schema"] = params_schema(dag.get("params"), faults)
    row |= _deadlines(dag.get("deadline"), faults)
    doc = unwrap(dag.get("doc_md"))
    row["doc_character_count"] = len(doc) if isinstance(doc, str) else 0
    return row


def _deadlines(raw: Any, faults: list[str]) -> dict[str, Any]:
    """Deadline alerts: intervals of 3.1, or the ids of rows in `deadline_alert` (3.2 and newer)."""
    ids: list[str] = []
    intervals: list[float] = []
    alerts = raw if isinstance(raw, list) else ([] if raw is None else [raw])
    for position, alert in enumerate(alerts):
        try:
            if isinstance(alert, str) and _UUID.fullmatch(alert):
                ids.append(alert)
            else:
                intervals.append(number(as_object(alert).get("interval")))
        except Unreadable:
            note(faults, f"dag.deadline[{position}]")
    return {
        "deadline_count": len(alerts),
        "deadline_alert_ids": sorted(ids),
        "deadline_intervals_seconds": sorted(intervals),
    }


def run_bounds(row: Mapping[str, Any], tasks: list[dict[str, Any]]) -> dict[str, datetime | None]:
    """Between which instants the scheduler creates runs, as Airflow's `DAG._time_restriction` does.

    The earliest start of the DAG or any task; the DAG's end, or, when every task has one, the
    latest of all ends. In 1.10 the DAG's own dates are often absent and only the tasks have them.
    """
    starts = [task["start_date_at"] for task in tasks] + [row["start_date_at"]]
    ends = [task["end_date_at"] for task in tasks]
    latest = row["end_date_at"]
    if ends and None not in ends:
        latest = max(end for end in [*ends, latest] if end is not None)
    return {
        "earliest_run_at": min((start for start in starts if start is not None), default=None),
        "latest_run_at": latest,
    }


def tasks_of(dag: Mapping[str, Any], faults: list[str]) -> list[tuple[int, str, dict[str, Any]]]:
    """The tasks of a DAG: place, id and JSON object of each that has a sound id of its own."""
    try:
        declared = as_list(dag.get("tasks") or [])
    except Unreadable:
        note(faults, "dag.tasks")
        return []
    found: dict[str, tuple[int, str, dict[str, Any]]] = {}
    for position, raw in enumerate(declared):
        try:
            fields = as_object(raw)
            task_id = identifier(fields.get("task_id"))
        except Unreadable:
            note(faults, f"tasks[{position}]")
            continue
        if task_id in found:
            note(faults, f"tasks[{position}].task_id")
        else:
            found[task_id] = (position, task_id, fields)
    return list(found.values())
