"""Dynamic task mapping: over what a task or a task group is expanded, and how far that is known.

    expand_input | op_kwargs_expand_input (2.4+) ─┐
    mapped_kwargs | mapped_op_kwargs (2.3)       ─┴─► MapInput

The values mapped over are user data: only how many there are is taken.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ingest.sources.airflow_db.structure.readers import Unreadable, note, unwrap

MAP_KINDS = ("literal", "xcom", "mixed", "unknown")

_KEYS = ("expand_input", "op_kwargs_expand_input", "mapped_kwargs", "mapped_op_kwargs")
_INT64 = 2**63


class MapInput(NamedTuple):
    """`map_kind` and `map_literal_count` of a row."""

    kind: str | None = None
    literal_count: int | None = None


def map_input(fields: Mapping[str, Any], path: str, faults: list[str]) -> MapInput:
    """Over what a mapped task (or group) is expanded.

    Args:
        fields: its JSON object.
        path: where it lies, for the faults.
        faults: gets `path.expand_input` when the shape is not known.

    Returns:
        literal with the number of instances (the product over keyword arguments), xcom when the
        number is known only at run time, mixed when some arguments are of either kind.
    """
    raw = next((fields[key] for key in _KEYS if fields.get(key)), None)
    try:
        return _read(raw)
    except Unreadable:
        note(faults, f"{path}.expand_input")
        return MapInput("unknown")


def _read(raw: Any) -> MapInput:
    if isinstance(raw, dict) and isinstance(raw.get("type"), str) and "value" in raw:
        raw = raw["value"]
        if isinstance(unwrap(raw), (list, tuple)):  # list-of-dicts: expand_kwargs([…])
            return MapInput("literal", len(unwrap(raw)))
        if _is_reference(raw):
            return MapInput("xcom")
    arguments = unwrap(raw)
    if not isinstance(arguments, dict) or not arguments:
        raise Unreadable
    counts = [_literal_count(argument) for argument in arguments.values()]
    known = [count for count in counts if count is not None]
    if not known:
        return MapInput("xcom")
    if len(known) < len(counts):
        return MapInput("mixed")
    product = math.prod(known)
    if product >= _INT64:
        raise Unreadable
    return MapInput("literal", product)


def _literal_count(argument: Any) -> int | None:
    """The length of a literal list or dict; None for a reference to an XCom."""
    if _is_reference(argument):
        return None
    values = unwrap(argument)
    if not isinstance(values, (list, tuple, dict)):
        raise Unreadable
    return len(values)


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and value.get("__type") == "xcomref"
