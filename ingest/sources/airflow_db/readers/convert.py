"""Text and Python values into typed Arrow columns: in bulk, strictly, and never with an exception.

Two entrances, one per shape in which engines hand values over:

    from_text(array, type)      a column of texts (MySQL's protocol, PostgreSQL after a cast)
    from_python(values, type)   a column of Python values (SQLite)

What a type cannot hold comes back as a string column with the source's text.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

INSTANT = pa.timestamp("us", tz="UTC")
NAIVE_INSTANT = pa.timestamp("us")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
FAILURES = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)

EXACT_FLOATS = 2**53
INSTANT_RANGE = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # the years 0001 to 9999

_TRUE = ("1", "t", "true", "T", "True", "TRUE", "\x01")
_FALSE = ("0", "f", "false", "F", "False", "FALSE", "\x00")
_BOOL_WORDS = pa.array([*_TRUE, *_FALSE], pa.binary())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s?(Z|z|UTC|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def from_text(column: pa.Array, target: pa.DataType) -> pa.Array:
    """A column of texts (string or binary) as the target type, or else as readable strings."""
    if pa.types.is_string(target):
        return readable(column)
    if pa.types.is_binary(target):
        return column.cast(pa.binary())
    typed = _typed(column, target)
    return readable(column) if typed is None else typed


def from_python(values: Sequence[Any], target: pa.DataType) -> pa.Array:
    """A column of None, int, float and bytes as the target type, or else as readable strings."""
    try:
        if pa.types.is_boolean(target):
            return _bools_of_integers(_integers(values))
        if pa.types.is_integer(target):
            return _integers(values)
        if pa.types.is_floating(target):
            return pa.array(values, target)
        return from_text(pa.array(values, pa.binary()), target)
    except FAILURES:
        texts = pa.array([_text(value) for value in values], pa.binary())
        if pa.types.is_binary(target):
            return readable(texts)  # a number in a column of bytes
        return from_text(texts, target)


def readable(column: pa.Array) -> pa.Array:
    """A string column without NUL and invalid UTF-8."""
    raw = column.cast(pa.binary())
    data = raw.buffers()[2]
    has_nul = data is not None and not np.frombuffer(data, np.uint8).all()
    try:
        strings = raw.cast(pa.string())
    except pa.ArrowInvalid:
        strings = pa.array(
            [v if v is None else v.decode("utf-8", "replace") for v in raw.to_pylist()],
            pa.string(),
        )
    return pc.replace_substring(strings, "\x00", REPLACEMENT) if has_nul else strings


def _integers(values: Sequence[Any]) -> pa.Array:
    # Not pa.array(values, int64): that cuts 1.5 down to 1 without a word.
    numbers = pa.array(values)
    if pa.types.is_null(numbers.type):
        return numbers.cast(pa.int64())
    if not pa.types.is_int64(numbers.type):
        raise pa.ArrowTypeError("not all integers")
    return numbers


def _text(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_FLOATS:
        return str(int(value)).encode()
    return repr(value).encode()


def _typed(column: pa.Array, target: pa.DataType) -> pa.Array | None:
    try:
        if pa.types.is_boolean(target):
            return _bools(column)
        strings = column.cast(pa.string())
        if pa.types.is_timestamp(target):
            return _instants(strings)
        if pa.types.is_integer(target) and _has_hexadecimal(strings):
            return None
        return strings.cast(target)
    except FAILURES:
        return None


def _has_hexadecimal(strings: pa.Array) -> bool:
    # Arrow reads "0x10" as 16; no database means that by it.
    return bool(pc.any(pc.match_substring(strings, "x", ignore_case=True)).as_py())


def _bools(column: pa.Array) -> pa.Array | None:
    found = pc.index_in(column.cast(pa.binary()), value_set=_BOOL_WORDS)
    if found.null_count != column.null_count:
        return None
    return pc.less(found, len(_TRUE))


def _bools_of_integers(numbers: pa.Array) -> pa.Array:
    bounds = pc.min_max(numbers).as_py()
    if bounds["min"] is not None and (bounds["min"] < 0 or bounds["max"] > 1):
        raise pa.ArrowInvalid("not a boolean")
    return numbers.cast(pa.bool_())


def _instants(strings: pa.Array) -> pa.Array | None:
    instants = _instants_of_any_year(strings)
    return instants if instants is not None and in_range(instants) else None


def in_range(instants: pa.Array) -> bool:
    """Whether every instant lies in the years 0001 to 9999, which is all that Python can say."""
    bounds = pc.min_max(instants.cast(pa.int64())).as_py()
    if bounds["min"] is None:
        return True
    return bool(bounds["min"] >= INSTANT_RANGE[0] and bounds["max"] <= INSTANT_RANGE[1])


def _instants_of_any_year(strings: pa.Array) -> pa.Array | None:
    for kind in (NAIVE_INSTANT, INSTANT):  # Arrow wants all with a zone or all without
        try:
            return strings.cast(kind).cast(INSTANT)
        except pa.ArrowInvalid:
            continue
    parsed = [None if text is None else _microseconds(text) for text in strings.to_pylist()]
    numbers = pa.array(parsed, pa.int64())
    return numbers.cast(INSTANT) if numbers.null_count == strings.null_count else None


def _microseconds(text: str) -> int | None:
    """Microseconds since 1970 of one ISO instant, naive ones taken as UTC; None if it is none."""
    match = _INSTANT_TEXT.fullmatch(text.strip())
    if match is None:
        return None
    *parts, fraction, zone = match.groups()
    try:
        moment = datetime(*(int(part or 0) for part in parts), tzinfo=UTC)  # type: ignore[arg-type,misc]
        offset = _offset(zone)
    except ValueError:
        return None
    # The difference is exact, and does not overflow where a shifted datetime would.
    whole = (moment - _EPOCH - offset) // timedelta(microseconds=1)
    return whole + int((fraction or "0").ljust(6, "0")[:6])


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in ("Z", "z", "UTC"):
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(6, "0")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:]))
    timezone(span)  # refuses a day or more
    return -span if zone[0] == "-" else span
