"""Bytes to a JSON document: the two columns of `serialized_dag`, one dict.

data (text | bytes | dict | null)  ─┐
data_compressed (zlib of the text) ─┴─► decode ─► {"__version": …, "dag": {…}}
"""

import json
import zlib
from typing import Any

from windsock.errors import SourceCorruptError

MAX_BYTES = 256 * 2**20
"""Largest JSON text we unpack. Real DAGs are a few MiB at most; more is a zlib bomb or damage."""

_ZLIB_FIRST_BYTE = 0x78  # also the letter x, with which no JSON text begins


class StructureError(SourceCorruptError):
    """A serialized DAG that cannot be read at all. The message never quotes the document."""


def decode(
    data: str | bytes | dict[str, Any] | None,
    data_compressed: bytes | None,
    *,
    max_bytes: int = MAX_BYTES,
) -> dict[str, Any]:
    """Decode one row of `serialized_dag`.

    Args:
        data: the column `data` as the driver gives it: JSON text, its UTF-8 bytes, or an already
            parsed jsonb. Compressed DAGs have the JSON text `null` here, not SQL NULL.
        data_compressed: the column `data_compressed` (2.3 and newer), zlib of the JSON text.
        max_bytes: refuse texts larger than this once unpacked.

    Returns:
        The document, unchanged. It still holds every secret: hand it to `project`, nothing else.

    Raises:
        StructureError: both columns are empty, or the text is damaged, too large or too deep.
    """
    document = _parse(data, max_bytes)
    if document is None:
        document = _parse(data_compressed, max_bytes)
    if document is None:
        raise StructureError(
            "A serialized DAG has neither data nor data_compressed.",
            expected="one of the two to hold JSON",
            next_step="airflow dags reserialize",
        )
    if not isinstance(document, dict):
        raise _damaged(f"its JSON is of type {type(document).__name__}")
    return document


def _parse(raw: Any, max_bytes: int) -> Any:
    """The JSON value of one column; None for SQL NULL, an empty text and the JSON text `null`."""
    if raw is None or isinstance(raw, dict):
        return raw
    if isinstance(raw, (bytearray, memoryview)):
        raw = bytes(raw)
    if not isinstance(raw, (str, bytes)):
        raise _damaged(f"the column is of type {type(raw).__name__}")
    if isinstance(raw, bytes) and raw[:1] == bytes([_ZLIB_FIRST_BYTE]):
        raw = _inflate(raw, max_bytes)
    if len(raw) > max_bytes:
        raise _damaged(f"it is larger than {max_bytes} bytes")
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except RecursionError:
        raise _damaged("its JSON is nested too deep") from None
    except UnicodeDecodeError as error:  # `from None`: these exceptions carry the document itself
        raise _damaged(f"its text is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _damaged(f"its JSON breaks off at character {error.pos}") from None
    except ValueError:
        raise _damaged("its JSON holds a number of thousands of digits") from None


def _inflate(packed: bytes, max_bytes: int) -> bytes:
    """Unpack zlib data, never producing more than `max_bytes` + 1."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error:
        raise _damaged("data_compressed is not valid zlib data") from None
    if len(text) > max_bytes:
        raise _damaged(f"data_compressed unpacks to more than {max_bytes} bytes")
    if not unpacker.eof:
        raise _damaged("data_compressed is cut short")
    return text


def _damaged(what: str) -> StructureError:
    return StructureError(
        f"A serialized DAG cannot be read: {what}.",
        expected="a JSON object as Airflow 1.10 to 3.x writes it",
        next_step="airflow dags reserialize, then land again",
    )
