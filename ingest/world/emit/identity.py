"""Identifiers that a database would have made up: UUIDs and hashes, the same in every writing.

    key columns  ->  uuids(frame, key, instant)  ->  text of a UUID of version 7, by its time
"""

import hashlib
import uuid

import numpy as np
import polars as pl
import pyarrow as pa

_VERSION = np.uint64(0x7000)
_VARIANT = np.uint64(0x8000_0000_0000_0000)
_SEEDS = (11, 13)


def uuids(frame: pl.DataFrame, key: list[str], instant: str) -> pl.Series:
    """UUIDs of rows, as text with dashes.

    Args:
        frame: the rows.
        key: columns that tell the rows apart.
        instant: column of instants, which the first 48 bits hold in milliseconds.
    """
    text = frame.select(pl.concat_str(key, separator="\x1f", ignore_nulls=True)).to_series()
    high, low = (text.hash(seed).to_numpy() for seed in _SEEDS)
    millis = frame[instant].dt.epoch("ms").fill_null(0).to_numpy().astype(np.uint64)
    halves = np.empty((frame.height, 2), dtype=">u8")
    halves[:, 0] = (millis << np.uint64(16)) | _VERSION | (high & np.uint64(0x0FFF))
    halves[:, 1] = _VARIANT | (low >> np.uint64(2))
    bare = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), frame.height, [None, pa.py_buffer(halves.tobytes())]).cast(pa.binary())
    digits = pl.Series("uuid", pl.from_arrow(bare)).bin.encode("hex")
    parts = [digits.str.slice(start, length)
             for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return pl.select(pl.concat_str([pl.lit(p) for p in parts], separator="-")).to_series()


def name_uuid(*names: object) -> str:
    """The UUID of a thing that has a name."""
    return str(uuid.UUID(bytes=hashlib.md5(
        "\x1f".join(map(str, names)).encode(), usedforsecurity=False).digest(), version=4))


def digest(text: str) -> str:
    """32 hexadecimal digits, as Airflow hashes serialized DAGs and code."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
