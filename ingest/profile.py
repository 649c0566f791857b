"""What a batch looks like, in numbers: the gate judges these, never millions of rows.

    rows of one table (Arrow)  ->  a profile row per column  ->  ingest/gate.py
                               ->  the same rows with `_row_flags`
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa

from ingest.contracts import ARROW_TYPES, Table

_CONTROL_CHARACTERS = r"[\x00-\x1f\x7f]"
_PATIENCE = timedelta(hours=1)      # clocks of workers run ahead of the database's a little


@dataclass(frozen=True)
class ColumnProfile:
    """One column of one batch.

    Attributes:
        row_count: rows of the batch.
        null_count: nulls of this column.
        key_null_count: the same when the column belongs to the key, else 0.
        duplicate_key_count: rows whose key another row has too (said on the first key column).
        type_fault_count: 1 when the column did not come in its promised type.
        minimum, maximum: extremes as text, for instants and numbers.
    """

    table: str
    column: str
    row_count: int
    null_count: int
    key_null_count: int
    duplicate_key_count: int
    type_fault_count: int
    minimum: str | None
    maximum: str | None


def profile(table: Table, rows: pa.Table) -> list[ColumnProfile]:
    """Profile a batch.

    Args:
        table: its contract.
        rows: the table's own columns, without stamps; a column that could not be converted at the
            door is a string where the contract says otherwise.
    """
    frame = pl.from_arrow(rows)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a batch is a table")
    duplicates = _duplicate_keys(table, frame)
    return [
        _column_profile(table, frame, name, duplicates if name == table.key[0] else 0)
        for name in table.columns
    ]


def row_flags(rows: pa.Table, *, now: datetime, states: frozenset[str]) -> pa.Array:
    """Value faults of each row: real databases have them, so they are marked, not refused.

    Args:
        rows: the table's own columns.
        now: the source's clock, UTC without a zone.
        states: the states that this table's `state` may have; empty when it has none.

    Returns:
        A list of flag names per row, null for a row without faults: `unknown_state`,
        `ended_before_started`, `queued_after_started` (deferred and rescheduled tasks keep their
        first start), `in_the_future`, `odd_id`, `missing_dag_run`.
    """
    frame = pl.from_arrow(rows)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a batch is a table")
    checks = _checks(frame, now, states)
    if not checks or frame.is_empty():
        return pa.nulls(rows.num_rows, pa.list_(pa.string()))
    flagged = [pl.when(check).then(pl.lit(name)) for name, check in checks.items()]
    column = frame.lazy().select(
        pl.when(pl.any_horizontal(*checks.values()))
        .then(pl.concat_list(flagged).list.drop_nulls()).alias("flags"),
    ).collect()["flags"]
    return column.to_arrow().cast(pa.list_(pa.string()))


def _checks(frame: pl.DataFrame, now: datetime, states: frozenset[str]) -> dict[str, pl.Expr]:
    checks: dict[str, pl.Expr] = {}
    columns = set(frame.columns)
    if states and "state" in columns:
        checks["unknown_state"] = pl.col("state").is_in(list(states)).not_().fill_null(value=False)
    if {"start_date", "end_date"} <= columns:
        checks["ended_before_started"] = (
            (pl.col("end_date") < pl.col("start_date")).fill_null(value=False))
    for queued in {"queued_dttm", "queued_at"} & columns if "start_date" in columns else ():
        checks["queued_after_started"] = (
            (pl.col(queued) > pl.col("start_date")).fill_null(value=False))
    late = [c for c in ("start_date", "end_date") if c in columns]
    if late:
        checks["in_the_future"] = pl.any_horizontal(
            *(pl.col(c) > now + _PATIENCE for c in late)).fill_null(value=False)
    ids = [c for c in ("dag_id", "run_id", "task_id") if c in columns]
    if ids:
        checks["odd_id"] = pl.any_horizontal(
            *(pl.col(c).str.contains(_CONTROL_CHARACTERS) for c in ids)).fill_null(value=False)
    if "run_id" in columns:
        checks["missing_dag_run"] = (
            pl.col("run_id").str.starts_with("missing_dag_run__").fill_null(value=False))
    return checks


def _duplicate_keys(table: Table, frame: pl.DataFrame) -> int:
    keys = [k for k in table.key if k in frame.columns]
    if not keys or frame.is_empty():
        return 0
    if frame.select(keys).hash_rows().n_unique() == frame.height:
        return 0
    # Two keys may share a hash: only the slow way may accuse.
    distinct = frame.lazy().select(keys).unique().select(pl.len()).collect().item()
    return int(frame.height - distinct)


def _column_profile(table: Table, frame: pl.DataFrame, name: str,
                    duplicates: int) -> ColumnProfile:
    column = frame[name]
    nulls = column.null_count()
    promised = pl.from_arrow(pa.array([], ARROW_TYPES[table.columns[name]]))
    type_fault = not isinstance(promised, pl.Series) or column.dtype != promised.dtype
    low, high = _extremes(column)
    return ColumnProfile(
        table=table.name, column=name, row_count=frame.height, null_count=nulls,
        key_null_count=nulls if name in table.key else 0,
        duplicate_key_count=duplicates, type_fault_count=int(type_fault),
        minimum=low, maximum=high,
    )


def _extremes(column: pl.Series) -> tuple[str | None, str | None]:
    if not (column.dtype.is_numeric() or column.dtype.is_temporal()) or column.is_empty():
        return None, None
    low: Any = column.min()
    high: Any = column.max()
    return (None if low is None else str(low), None if high is None else str(high))
