"""When a DAG is meant to run: its schedule in one closed vocabulary.

    dag.timetable (2.2+) | dag.schedule_interval (1.10, 2.x) ─► schedule_of ─► SCHEDULE_COLUMNS

Arguments of timetables that are not Airflow's own are user data: only their class is read.
"""

import re
from collections.abc import Mapping
from typing import Any

from ingest.sources.airflow_db.structure.assets import asset_condition
from ingest.sources.airflow_db.structure.readers import (
    Unreadable,
    as_list,
    as_object,
    class_path,
    note,
    number,
    text,
    timezone,
    unwrap,
)

SCHEDULE_COLUMNS = (
    "schedule_kind",
    "schedule_expression",
    "schedule_seconds",
    "schedule_timezone",
    "timetable_class",
    "asset_condition",
)
SCHEDULE_KINDS = (
    "cron", "delta", "preset", "dataset", "asset", "none", "once", "continuous", "timetable",
    "unknown",
)  # fmt: skip

_AIRFLOW_TIMETABLES = "airflow.timetables."
_KIND_OF_CLASS = {
    "CronDataIntervalTimetable": "cron",
    "CronTriggerTimetable": "cron",
    "CronPartitionTimetable": "cron",
    "MultipleCronTriggerTimetable": "cron",
    "DeltaDataIntervalTimetable": "delta",
    "DeltaTriggerTimetable": "delta",
    "NullTimetable": "none",
    "PartitionedAtRuntime": "none",
    "OnceTimetable": "once",
    "ContinuousTimetable": "continuous",
    "DatasetTriggeredTimetable": "dataset",
    "DatasetOrTimeSchedule": "dataset",
    "AssetTriggeredTimetable": "asset",
    "AssetOrTimeSchedule": "asset",
    "PartitionedAssetTimetable": "asset",
}
_CRON_FIELD = r"[\d*/,\-A-Za-z#?]{1,100}"
_CRON = re.compile(rf"{_CRON_FIELD}(?:\s+{_CRON_FIELD}){{4,6}}")
_PRESET = re.compile(r"@[a-z]{3,20}")
_WORDS = {
    "@once": "once",
    "@continuous": "continuous",
    "Dataset": "dataset",
    "Asset": "asset",
    "None": "none",
}
_DEFAULT_INTERVAL_SECONDS = 86400.0  # 1.10 and 2.x drop schedule_interval when it is the default
_FIXED_UNITS = {
    "weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "microseconds": 1e-6
}  # fmt: skip
_CALENDAR_UNITS = (
    "years", "months", "leapdays", "year", "month", "day", "hour", "minute", "second",
    "microsecond",
)  # fmt: skip


def schedule_of(dag: Mapping[str, Any], is_version_1: bool, faults: list[str]) -> dict[str, Any]:
    """The schedule of one DAG.

    Args:
        dag: the JSON object of the DAG.
        is_version_1: whether 1.10 or 2.x wrote it, where an absent schedule means one day.
        faults: gets the names of what could not be read.

    Returns:
        SCHEDULE_COLUMNS. The expression is the cron text (several joined by `; `), the preset with
        its `@`, or a delta's seconds; a calendar delta reads `months=1`, with null seconds. A
        dataset or asset schedule that also follows a clock has that clock's expression.
    """
    row: dict[str, Any] = dict.fromkeys(SCHEDULE_COLUMNS)
    try:
        if dag.get("timetable") is not None:
            _read_timetable(dag["timetable"], row, faults)
        elif dag.get("schedule_interval") is not None:
            _read_interval(dag["schedule_interval"], row)
        elif "schedule_interval" in dag or not is_version_1:
            row["schedule_kind"] = "none"
        else:
            _set_delta(_DEFAULT_INTERVAL_SECONDS, row)
    except Unreadable:
        note(faults, "dag.schedule")
        row["schedule_kind"] = "unknown"
    if row["asset_condition"] is None and row["schedule_kind"] in ("dataset", None):
        row["asset_condition"] = asset_condition(dag.get("dataset_triggers"), faults)
    return row


def _read_timetable(raw: Any, row: dict[str, Any], faults: list[str], depth: int = 3) -> None:
    if not isinstance(raw, dict):
        raise Unreadable
    path = class_path(raw.get("__type"))
    row["timetable_class"] = row["timetable_class"] or path
    is_own = path.startswith(_AIRFLOW_TIMETABLES)
    kind = _KIND_OF_CLASS.get(path.rpartition(".")[2], "timetable") if is_own else "timetable"
    row["schedule_kind"] = row["schedule_kind"] or kind
    if not is_own:
        return
    fields = as_object(raw.get("__var") or {})
    condition = fields.get("asset_condition") or fields.get("dataset_condition")
    if condition is not None:
        row["asset_condition"] = asset_condition(condition, faults)
    if kind == "cron":
        _read_crons(fields, row)
    elif kind == "delta":
        _set_delta(fields.get("delta"), row)
    elif fields.get("timetable") is not None and depth > 0:
        _read_timetable(fields["timetable"], row, faults, depth - 1)
        row["timetable_class"], row["schedule_kind"] = path, kind


def _read_crons(fields: Mapping[str, Any], row: dict[str, Any]) -> None:
    raw = fields.get("expressions")
    expressions = [text(item) for item in (as_list(raw) if raw else [fields.get("expression")])]
    if not all(_CRON.fullmatch(item) or _PRESET.fullmatch(item) for item in expressions):
        raise Unreadable
    row["schedule_expression"] = "; ".join(expressions)
    if fields.get("timezone") is not None:
        row["schedule_timezone"] = timezone(fields["timezone"])


def _read_interval(raw: Any, row: dict[str, Any]) -> None:
    """`schedule_interval` of 1.10 and 2.x: a preset, a cron text or a wrapped delta."""
    value = unwrap(raw)
    if not isinstance(value, str):
        _set_delta(raw, row)
    elif value in _WORDS:
        row["schedule_kind"] = _WORDS[value]
    elif _PRESET.fullmatch(value):
        row["schedule_kind"], row["schedule_expression"] = "preset", value
    elif _CRON.fullmatch(value.strip()):
        row["schedule_kind"], row["schedule_expression"] = "cron", value.strip()
    else:
        raise Unreadable


def _set_delta(raw: Any, row: dict[str, Any]) -> None:
    value = unwrap(raw)
    row["schedule_kind"] = row["schedule_kind"] or "delta"
    if isinstance(value, dict):
        row["schedule_expression"], row["schedule_seconds"] = _calendar_delta(value)
        return
    row["schedule_seconds"] = number(value)
    row["schedule_expression"] = f"{row['schedule_seconds']:.6f}".rstrip("0").rstrip(".")


def _calendar_delta(value: Mapping[str, Any]) -> tuple[str, float | None]:
    """A dateutil relativedelta: its text, and its seconds when every part is of fixed length."""
    parts = {}
    for unit in (*_FIXED_UNITS, *_CALENDAR_UNITS):
        if value.get(unit):
            parts[unit] = number(value[unit])
    if not parts:
        raise Unreadable
    if "weeks" in parts and "days" in parts:
        del parts["weeks"]  # relativedelta's weeks are a view of its days
    words = " ".join(f"{unit}={amount:g}" for unit, amount in sorted(parts.items()))
    if any(unit in _CALENDAR_UNITS for unit in parts) or value.get("weekday"):
        return words, None
    return words, sum(_FIXED_UNITS[unit] * amount for unit, amount in parts.items())
