"""Readers: one JSON value of an allow-listed key in, one checked value out, or `Unreadable`.

    {"retries": 2, "bash_command": …} ─► read_fields(…, FIELDS) ─► {"retries": 2}  + names of faults

Serialized values are bare (`300.0`) or wrapped (`{"__var": 300.0, "__type": "timedelta"}`), and
which it is varies by release and place; each reader takes both.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

MAX_FAULTS = 100
MAX_TEXT = 8000  # the longest is the id of an asset: its name and its URI of up to 3,000 each
MAX_ID = 250  # Airflow's own limit for dag_id, task_id and keys

_INT64 = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AIRFLOW_KEY = re.compile(r"[\w.\-]{1,250}")
_CLASS_PATH = re.compile(r"[A-Za-z_][\w.<>]{0,499}")
_CODE = re.compile(r"[a-z_]{1,60}")
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


class Unreadable(ValueError):  # noqa: N818  caught in this package: it becomes a fault, not an error
    """The value is not of the type or shape that this key must have."""


Reader = Callable[[Any], Any]


class Field(NamedTuple):
    """One line of the allow list: column, the keys that may hold it, its reader, its default."""

    column: str
    keys: tuple[str, ...]
    reader: Reader
    default: Any = None


def note(faults: list[str], path: str) -> None:
    """Remember that the field at `path` could not be read. Paths are built from our own names."""
    if len(faults) < MAX_FAULTS and path not in faults:
        faults.append(path)


def read_fields(
    source: Mapping[str, Any], fields: tuple[Field, ...], path: str, faults: list[str]
) -> dict[str, Any]:
    """Read the allow-listed fields of one JSON object.

    Args:
        source: the JSON object; of it, only the keys named in `fields` are looked at.
        fields: the allow list.
        path: where the object lies, such as `tasks[3]`, for the faults.
        faults: gets `path.key` for each value that was there and could not be read.

    Returns:
        One entry per field: the value read; the default where the key is absent or null; None where
        the value could not be read.
    """
    row: dict[str, Any] = {}
    for column, keys, reader, default in fields:
        value = default
        for key in keys:
            raw = source.get(key)
            if raw is not None:
                try:
                    value = reader(raw)
                except Unreadable:
                    value = None
                    note(faults, f"{path}.{key}")
                break
        row[column] = value
    return row


def unwrap(value: Any) -> Any:
    """X of `{"__var": X, "__type": T}`; anything else as it is."""
    if isinstance(value, dict) and "__var" in value:
        return value["__var"]
    return value


def as_object(value: Any) -> dict[str, Any]:
    """A JSON object, bare or wrapped."""
    value = unwrap(value)
    if not isinstance(value, dict):
        raise Unreadable
    return value


def as_list(value: Any) -> list[Any]:
    """A JSON array, or a wrapped tuple or set."""
    value = unwrap(value)
    if not isinstance(value, (list, tuple)):
        raise Unreadable
    return list(value)


def text(value: Any) -> str:
    """A text of bounded length; NUL and lone surrogates (no UTF-8 for them) become U+FFFD."""
    value = unwrap(value)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise Unreadable
    return value if value.isascii() and "\0" not in value else _UNPRINTABLE.sub("\ufffd", value)


def identifier(value: Any) -> str:
    """A non-empty text short enough for an id."""
    value = text(value)
    if not value or len(value) > MAX_ID:
        raise Unreadable
    return str(value)


def airflow_key(value: Any) -> str:
    """An id by Airflow's own rule for keys: letters, digits, `_`, `-`, `.`; hence no template."""
    value = text(value)
    if not _AIRFLOW_KEY.fullmatch(value):
        raise Unreadable
    return str(value)


def class_path(value: Any) -> str:
    """The dotted name of a Python class or module."""
    value = text(value)
    if not _CLASS_PATH.fullmatch(value):
        raise Unreadable
    return str(value)


def code(value: Any) -> str:
    """A lower-case word such as a trigger rule: not a closed list, for releases add some."""
    value = text(value)
    if not _CODE.fullmatch(value):
        raise Unreadable
    return str(value)


def flag(value: Any) -> bool:
    """A JSON boolean."""
    value = unwrap(value)
    if not isinstance(value, bool):
        raise Unreadable
    return value


def presence(value: Any) -> bool:
    """Whether a callback is set: a flag or, before 3.x, the callback's source, which stays here."""
    return bool(unwrap(value))


def number(value: Any) -> float:
    """A finite JSON number."""
    value = unwrap(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable
    try:
        result = float(value)
    except OverflowError:
        raise Unreadable from None
    if not math.isfinite(result):
        raise Unreadable
    return result


def whole(value: Any) -> int:
    """A JSON number without a fraction that fits 64 bits."""
    value = unwrap(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not -_INT64 <= value < _INT64:
        raise Unreadable
    return value


seconds = number
"""A duration: Airflow writes `timedelta.total_seconds()`."""


def instant(value: Any) -> datetime:
    """A UTC instant from epoch seconds, as Airflow writes every date of a serialized DAG."""
    try:
        return _EPOCH + timedelta(seconds=number(value))
    except OverflowError:
        raise Unreadable from None


def timezone(value: Any) -> str:
    """The name of a zone, or `+05:30` for a fixed offset, which Airflow writes as seconds."""
    value = unwrap(value)
    if isinstance(value, str):
        if not re.fullmatch(r"[\w+\-/:]{1,64}", value):
            raise Unreadable
        return value
    minutes = whole(value) // 60
    if abs(minutes) > 24 * 60:
        raise Unreadable
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def texts(value: Any) -> list[str]:
    """A set of short texts, sorted."""
    return sorted({identifier(item) for item in as_list(value)})
