"""From pieces of any size to batches of at most so many rows, each of one schema."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from ingest.sources.airflow_db.readers.address import Address
from windsock.errors import SourceMigratingError

BATCH_BYTES = 24 * 1024 * 1024


def find_columns(found: Sequence[str], wanted: pa.Schema, address: Address) -> list[int]:
    """Where the wanted columns stand in a result.

    Raises:
        SourceMigratingError: the result lacks one.
    """
    missing = [name for name in wanted.names if name not in found]
    if missing:
        raise SourceMigratingError(
            f"{address.label}: the result has no column {', '.join(missing)}.",
            expected=f"the columns {', '.join(wanted.names)}",
            next_step="land again when Airflow's migration has ended",
        )
    return [found.index(name) for name in wanted.names]


def batch_of(arrays: Sequence[pa.Array], wanted: pa.Schema) -> pa.RecordBatch:
    """A batch with the wanted names, and the types that the arrays really have."""
    fields = [
        field if array.type == field.type else pa.field(field.name, array.type)
        for field, array in zip(wanted, arrays, strict=True)
    ]
    return pa.RecordBatch.from_arrays(list(arrays), schema=pa.schema(fields))


def regroup(pieces: Iterable[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Join small pieces and cut large ones; a change of schema begins a new batch.

    Args:
        pieces: record batches in order.
        batch_rows: at most so many rows in a batch; fewer when they reach `BATCH_BYTES`.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for piece in pieces:
        changed = bool(held) and held[-1].schema != piece.schema
        if held and (changed or rows + piece.num_rows > batch_rows or size > BATCH_BYTES):
            joined, held, rows, size = pa.concat_batches(held), [], 0, 0
            yield joined
        for start in range(0, piece.num_rows - batch_rows, batch_rows):
            yield piece.slice(start, batch_rows)
        rest = (piece.num_rows - 1) // batch_rows * batch_rows if piece.num_rows else 0
        held.append(piece.slice(rest))
        rows += held[-1].num_rows
        size += held[-1].nbytes
    if rows:
        yield pa.concat_batches(held)
