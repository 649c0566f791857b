"""How each column of a PostgreSQL result becomes the type that was asked for.

ADBC reads the common types natively; those pass as they are. The rest (uuid, inet, enums of
extensions, numeric, and whatever does not fit its target) is cast to text by the server and
converted from text, so that what does not fit can still be shown.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from ingest.sources.airflow_db.readers.convert import (
    FAILURES,
    INSTANT,
    from_text,
    in_range,
    readable,
)

TEXTUAL = {"text", "varchar", "bpchar", "name"}
JSON = {"json", "jsonb"}
UNIX_OF_2000 = 946_684_800_000_000  # microseconds
INFINITY = 2**63 - 1


@dataclass(frozen=True)
class Column:
    """One expression of the select list, and what turns its Arrow array into the target type."""

    sql: str
    convert: Callable[[pa.Array], pa.Array]


def plan_column(
    field: pa.Field, found: pa.Schema, quote: Callable[[str], str], unchecked_text: bool
) -> Column:
    """Decide for one wanted column, knowing the result's own types.

    Args:
        field: name and type wanted.
        found: the result's schema as ADBC describes it.
        quote: of identifiers.
        unchecked_text: the database does not know its encoding (SQL_ASCII).
    """
    name = f"q.{quote(field.name)}"
    index = found.get_field_index(field.name)
    if index < 0:  # the server will say so, in its words and with its code
        return Column(name, lambda array: array)
    source = found.field(index)
    type_name = (source.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
    target = field.type
    if pa.types.is_string(target):
        if type_name in TEXTUAL | JSON:
            return Column(name, readable if unchecked_text else _storage)
    elif pa.types.is_timestamp(target):
        if pa.types.is_timestamp(source.type):
            return Column(name, _instants)
    elif _same_family(source.type, target):
        return Column(name, lambda array: _numbers(array, target))
    return Column(f"cast({name} as text)", lambda array: from_text(array, target))


def _same_family(source: pa.DataType, target: pa.DataType) -> bool:
    if pa.types.is_floating(target):
        return bool(pa.types.is_floating(source) or pa.types.is_integer(source))
    if pa.types.is_integer(target):
        return bool(pa.types.is_signed_integer(source))
    return bool(source == target)


def _storage(array: pa.Array) -> pa.Array:
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _numbers(array: pa.Array, target: pa.DataType) -> pa.Array:
    if array.type == target:
        return array
    try:
        return array.cast(target)
    except FAILURES:
        return array.cast(pa.string())


def _instants(array: pa.Array) -> pa.Array:
    numbers = array.cast(pa.int64()).cast(INSTANT)
    return numbers if in_range(numbers) else _instant_texts(array)


def _instant_texts(array: pa.Array) -> pa.Array:
    """The instants as text, where Python and ISO 8601 have no words for one of them."""
    texts = array.cast(pa.int64()).cast(pa.timestamp("us")).cast(pa.string()).to_pylist()
    named: list[str | None] = []
    for text, number in zip(texts, array.cast(pa.int64()).to_pylist(), strict=True):
        if number is None:
            named.append(None)
            continue
        # ADBC moves the epoch from 2000 to 1970 and wraps around at the end of 64 bits.
        microseconds = (number - UNIX_OF_2000 + 2**63) % 2**64 - 2**63
        infinite = {INFINITY: "infinity", -INFINITY - 1: "-infinity"}
        named.append(infinite.get(microseconds, text))
    return pa.array(named, pa.string())
