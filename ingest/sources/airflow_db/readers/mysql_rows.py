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

NULL_CELL = 251
WIDE_LENGTHS = {252: 2, 253: 3, 254: 8}  # first byte → how many bytes of length follow
HEADER_BYTES = 4
LARGEST_PACKET = 0xFFFFFF
END_OF_ROWS = 0xFE
ERROR = 0xFF
END_OF_ROWS_LARGEST = 9
READ_HEADER = Struct("<I").unpack_from

type_bytes = npt.NDArray[np.uint8]
type_integers = npt.NDArray[np.int64]


class RowBuffer:
    """Bytes as they come from the socket, of which whole rows are taken out."""

    def __init__(self, sequence: int) -> None:
        """Begin with the packet of this sequence number."""
        self._held = bytearray()
        self._sequence = sequence
        self.final: bytes | None = None  # the packet after the last row: end or error

    def __len__(self) -> int:
        return len(self._held)

    def add(self, data: bytes) -> None:
        """Append what the socket gave."""
        self._held += data

    def take(self) -> tuple[bytes, type_integers]:
        """All complete rows so far, and where each begins.

        Raises:
            ValueError: the packets do not follow one another: the stream is damaged.
        """
        starts, numbers, end = self._walk()
        taken = bytes(memoryview(self._held)[:end])
        del self._held[:end]
        found = np.array(starts, dtype=np.int64)
        if numbers:
            self._check_sequence(numbers)
            last = starts[-1]
            size = end - last
            marker = taken[last] if size else END_OF_ROWS
            if marker == ERROR or (marker == END_OF_ROWS and size < END_OF_ROWS_LARGEST):
                self.final = taken[last:]
                found = found[:-1]
        return taken, found

    def _walk(self) -> tuple[list[int], bytearray, int]:
        held, starts, numbers = self._held, [], bytearray()
        position, size = 0, len(self._held)
        while position + HEADER_BYTES <= size:
            header = READ_HEADER(held, position)[0]
            following = position + HEADER_BYTES + (header & LARGEST_PACKET)
            if following > size:
                break
            joined = bytearray([header >> 24])
            if header & LARGEST_PACKET == LARGEST_PACKET:
                following = self._join(following, joined)
                size = len(held)
                if following > size:
                    break
            starts.append(position + HEADER_BYTES)
            numbers += joined
            position = following
        return starts, numbers, position

    def _join(self, following: int, numbers: bytearray) -> int:
        raise NotImplementedError

    def _check_sequence(self, numbers: bytearray) -> None:
        found = np.frombuffer(numbers, np.uint8)
        expected = (np.arange(len(found)) + self._sequence) % 256
        if not np.array_equal(found, expected):
            raise ValueError("packets out of order")
        self._sequence = int(expected[-1] + 1) % 256


def columns(data: bytes, starts: type_integers, count: int) -> list[pa.Array]:
    """The first `count` cells of every row, one binary Arrow array per column."""
    raw = np.frombuffer(data, np.uint8)
    position = starts.copy()
    found = []
    for _ in range(count):
        begins, lengths, nulls = _cells(raw, position)
        found.append(_gather(raw, begins, lengths, nulls))
        position = begins + lengths
    return found


def _cells(
    raw: type_bytes, position: type_integers
) -> tuple[type_integers, type_integers, npt.NDArray[np.bool_] | None]:
    first = raw[position]
    lengths = first.astype(np.int64)
    begins = position + 1
    if not len(first) or first.max() < NULL_CELL:
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


def _gather(
    raw: type_bytes,
    begins: type_integers,
    lengths: type_integers,
    nulls: npt.NDArray[np.bool_] | None,
) -> pa.Array:
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    total = int(offsets[-1])
    if total:
        shift = (begins - offsets[:-1]).astype(np.int32)
        index = np.repeat(shift, lengths)
        index += np.arange(total, dtype=np.int32)
        values = raw[index]
    else:
        values = raw[:0]
    valid = None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(values)]
    return pa.Array.from_buffers(pa.binary(), len(lengths), buffers)
