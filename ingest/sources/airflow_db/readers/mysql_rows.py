"""The rows of MySQL's text protocol into Arrow columns, many rows at a time.

    bytes of the socket ──packets()──► where each row begins ──columns()──► one Arrow column each

A text row is its cells one after another, each a length and the bytes; NULL is the byte 251. A
Python driver makes an object of every cell. Here numpy steps through column after column for all
rows of a chunk at once. Layout: the protocol's documentation, "Text Resultset Row".
"""

from struct import Struct

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view

NULL_CELL = 251
WIDE_LENGTHS = {252: 2, 253: 3, 254: 8}  # first byte → how many bytes of length follow
HEADER_BYTES = 4
LENGTH_BITS = 0xFFFFFF
FULL_PACKET = 0xFFFFFF  # of a row that goes on in the next packet
END_OF_ROWS = 0xFE
ERROR = 0xFF
END_OF_ROWS_LONGEST = 9
LONG_CELL = 4096  # from here on a copy per cell is cheaper than an index per byte
READ_HEADER = Struct("<I").unpack_from

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class RowBuffer:
    """Bytes as they come from the socket, of which whole rows are taken out."""

    def __init__(self, sequence: int) -> None:
        """Begin with the packet of this sequence number."""
        self._held = bytearray()
        self._sequence = sequence
        self._starts: list[int] = []
        self.complete_bytes = 0  # up to here the rows are whole
        self.final: bytes | None = None  # the packet after the last row: end or error

    def add(self, data: bytes) -> None:
        """Append what the socket gave, and find where the rows in it begin.

        Raises:
            ValueError: the packets do not follow one another: the stream is damaged.
        """
        held = self._held
        held += data
        position, size = self.complete_bytes, len(held)
        sequence, starts = self._sequence, self._starts
        while position + HEADER_BYTES <= size:
            header = READ_HEADER(held, position)[0]
            length = header & LENGTH_BITS
            following = position + HEADER_BYTES + length
            if following > size:
                break
            if header >> 24 != sequence:
                raise ValueError(f"packet {header >> 24} where {sequence} was due")
            if length == FULL_PACKET:
                parts = self._parts(position)
                if parts is None:
                    break
                following = self._join(parts)
                size = len(held)
                sequence = (sequence + len(parts) - 1) & 0xFF
            sequence = (sequence + 1) & 0xFF
            starts.append(position + HEADER_BYTES)
            position = following
        self._sequence, self.complete_bytes = sequence, position
        self._find_final()

    def take(self) -> tuple[bytes, Integers]:
        """All whole rows so far, and where each begins."""
        taken = bytes(memoryview(self._held)[: self.complete_bytes])
        del self._held[: self.complete_bytes]
        starts = np.array(self._starts, dtype=np.int64)
        self._starts.clear()
        self.complete_bytes = 0
        return taken, starts

    def _find_final(self) -> None:
        """Set `final` when the last packet is no row; nothing ever follows it."""
        if not self._starts:
            return
        last = self._starts[-1]
        size = self.complete_bytes - last
        marker = self._held[last] if size else NULL_CELL
        if marker == ERROR or (marker == END_OF_ROWS and size < END_OF_ROWS_LONGEST):
            self.final = bytes(self._held[last : self.complete_bytes])
            self._starts.pop()

    def _parts(self, position: int) -> list[tuple[int, int]] | None:
        """(header, length) of each packet of one row of 16 MiB or more; None until all is here."""
        parts = []
        while position + HEADER_BYTES <= len(self._held):
            length = READ_HEADER(self._held, position)[0] & LENGTH_BITS
            parts.append((position, length))
            position += HEADER_BYTES + length
            if position > len(self._held):
                return None
            if length < FULL_PACKET:
                return parts
        return None

    def _join(self, parts: list[tuple[int, int]]) -> int:
        """Cut the inner headers out of such a row; where it ends then."""
        for header, _ in reversed(parts[1:]):
            del self._held[header : header + HEADER_BYTES]
        return parts[0][0] + HEADER_BYTES + sum(length for _, length in parts)


def columns(data: bytes, starts: Integers, count: int) -> list[pa.Array]:
    """The first `count` cells of every row, one binary Arrow array per column."""
    raw = np.frombuffer(data, np.uint8)
    position = starts.copy()
    found = []
    for _ in range(count):
        begins, lengths, nulls = _cells(raw, position)
        found.append(_gather(raw, begins, lengths, nulls))
        position = begins + lengths
    return found


def _cells(raw: Bytes, position: Integers) -> tuple[Integers, Integers, Flags | None]:
    """Where the cells at these positions begin, how long they are, and which are NULL."""
    first = raw[position]
    lengths = first.astype(np.int64)
    begins = position + 1
    if first.max() < NULL_CELL:
        return begins, lengths, None
    nulls = first == NULL_CELL
    lengths[nulls] = 0
    for marker, width in WIDE_LENGTHS.items():
        rows = np.flatnonzero(first == marker)
        if len(rows):
            at = begins[rows]
            lengths[rows] = sum(raw[at + k].astype(np.int64) << (8 * k) for k in range(width))
            begins[rows] += width
    return begins, lengths, nulls if nulls.any() else None


def _gather(raw: Bytes, begins: Integers, lengths: Integers, nulls: Flags | None) -> pa.Array:
    """One binary array from cells that lie scattered in the rows."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    filled = slice(None) if nulls is None else ~nulls
    values = _copy(raw, begins[filled], lengths[filled], int(offsets[-1]))
    valid = None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(values)]
    return pa.Array.from_buffers(pa.binary(), len(lengths), buffers)


def _copy(raw: Bytes, begins: Integers, lengths: Integers, total: int) -> Bytes:
    if not total:
        return raw[:0]
    longest = int(lengths.max())
    if total == longest * len(lengths):  # instants, flags: all equally long
        return sliding_window_view(raw, longest)[begins].reshape(-1)
    if longest > LONG_CELL:
        pieces = zip(begins.tolist(), (begins + lengths).tolist(), strict=True)
        return np.concatenate([raw[begin:end] for begin, end in pieces])
    shift = begins.copy()
    shift[1:] -= np.cumsum(lengths)[:-1]
    index = np.repeat(shift.astype(np.int32), lengths)
    index += np.arange(total, dtype=np.int32)
    return raw[index]
