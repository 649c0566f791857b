"""The decoder of MySQL's text rows, fed with rows written here, cut at every place."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.airflow_db.readers import mysql_rows
from ingest.sources.airflow_db.readers.mysql_rows import RowBuffer, columns

END = b"\xfe\x00\x00\x02\x00"
CELL = st.one_of(
    st.none(),
    st.binary(max_size=300),
    st.sampled_from([b"", b"\xfb", b"\xfe", b"x" * 250, b"x" * 251, b"y" * 65_535, b"z" * 65_536]),
)
Row = list[bytes | None]


def cell(value: bytes | None) -> bytes:
    if value is None:
        return b"\xfb"
    size = len(value)
    if size < 251:
        return bytes([size]) + value
    if size < 1 << 16:
        return b"\xfc" + struct.pack("<H", size) + value
    if size < 1 << 24:
        return b"\xfd" + struct.pack("<I", size)[:3] + value
    return b"\xfe" + struct.pack("<Q", size) + value


def packets(payloads: list[bytes], sequence: int, largest: int = 0xFFFFFF) -> bytes:
    wire = bytearray()
    for payload in payloads:
        rest = payload
        while True:
            part, rest = rest[:largest], rest[largest:]
            wire += struct.pack("<I", len(part))[:3] + bytes([sequence % 256]) + part
            sequence += 1
            if len(part) < largest:
                break
    return bytes(wire)


def decode(wire: bytes, width: int, cuts: list[int], sequence: int) -> list[Row]:
    buffer = RowBuffer(sequence)
    rows: list[Row] = []
    places = sorted({min(cut, len(wire)) for cut in cuts} | {0, len(wire)})
    for begin, end in itertools.pairwise(places):
        buffer.add(wire[begin:end])
        data, starts = buffer.take()
        if len(starts):
            found = columns(data, starts, width)
            rows += [list(row) for row in zip(*(c.to_pylist() for c in found), strict=True)]
    assert buffer.final == END
    return rows


@given(
    st.integers(1, 5).flatmap(
        lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=20)
    ),
    st.lists(st.integers(0, 100_000), max_size=8),
    st.integers(0, 255),
)
def test_every_cell_arrives_wherever_the_socket_cuts(
    rows: list[Row], cuts: list[int], sequence: int
) -> None:
    wire = packets([b"".join(map(cell, row)) for row in rows] + [END], sequence)
    assert decode(wire, len(rows[0]) if rows else 1, cuts, sequence) == rows


def test_a_long_result_wraps_the_sequence() -> None:
    rows: list[Row] = [[str(n).encode(), None] for n in range(1000)]
    wire = packets([b"".join(map(cell, row)) for row in rows] + [END], 3)
    assert decode(wire, 2, [7, 100, 5000], 3) == rows


@pytest.mark.parametrize("size", [0, 17, 18, 19, 20, 40, 58, 59, 60, 61, 100])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_rows_of_several_packets(monkeypatch: pytest.MonkeyPatch, size: int, step: int) -> None:
    """A row of 16 MiB or more, with the limit set to 20 bytes."""
    monkeypatch.setattr(mysql_rows, "FULL_PACKET", 20)
    rows: list[Row] = [[b"a" * size, b"b"], [None, b"c" * size], [b"", None]]
    wire = packets([b"".join(map(cell, row)) for row in rows] + [END], 1, largest=20)
    assert decode(wire, 2, list(range(0, len(wire), step)), 1) == rows


def test_packets_out_of_order_are_refused() -> None:
    wire = packets([cell(b"a")], 1) + packets([cell(b"b")], 5)
    with pytest.raises(ValueError, match="packet 5 where 2 was due"):
        RowBuffer(1).add(wire)
