"""What a landing table holds: names, kinds and keys, for every source.

    Table (allow-list of one source table)  ->  Arrow schema of a batch  ->  columns in DuckDB

A landing table keeps the source's own column names and adds stamps that begin with an underscore.
Instants are stored as plain `timestamp`, already UTC.
"""

from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

Kind = Literal["text", "int", "float", "bool", "instant", "text_list", "float_list"]
Strategy = Literal["run", "whole", "append", "recent", "heavy", "derived"]

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "instant": pa.timestamp("us"),
    "text_list": pa.list_(pa.string()),
    "float_list": pa.list_(pa.float64()),
}
DUCKDB_TYPES: dict[str, str] = {
    "text": "varchar",
    "int": "bigint",
    "float": "double",
    "bool": "boolean",
    "instant": "timestamp",
    "text_list": "varchar[]",
    "float_list": "double[]",
}

# Written by Windsock on every landed row.
STAMPS: dict[str, Kind] = {
    "_row_flags": "text_list",  # value faults of this row, null when none
    "_deleted_at": "instant",  # source clock when the row was found to be gone
    "_delete_reason": "text",  # deleted | retention
    "_observed_at": "instant",  # source clock at the start of the read that brought this image
    "_loaded_at": "instant",  # our clock
    "_load_id": "text",
    "_load_number": "int",  # grows by one with every load of any cluster: what changed since N
    "_source_uri": "text",  # where the row came from; never with a password
}


@dataclass(frozen=True)
class Table:
    """The allow-list of one source table and how it is read.

    Attributes:
        name: the source's own table name; the landing table is `landing.<source>__<name>`.
        key: identity of a row in Windsock, stable over Airflow releases, without `cluster`.
        columns: every column that may be copied, with its kind. Nothing else ever is.
        strategy: run (with its DAG runs), whole (read and compared whole), append (by growing id),
            recent (by a heartbeat), heavy (bodies fetched for changed rows only),
            derived (made by the door from another table's rows).
        observed: when one of these changes, the replaced image is kept in `<table>__replaced`;
            a deleted row that comes back counts as a change. Empty: no history table.
        observed_when: SQL condition on the replaced image (alias `old`) for keeping it.
        volatile: columns that change all the time; alone they do not make a row "changed".
    """

    name: str
    key: tuple[str, ...]
    columns: dict[str, Kind]
    strategy: Strategy
    observed: frozenset[str] = field(default_factory=frozenset)
    observed_when: str = "true"
    volatile: frozenset[str] = field(default_factory=frozenset)


def batch_schema(table: Table) -> pa.Schema:
    """Arrow schema of an archived batch: cluster, the table's columns, the stamps."""
    fields = [("cluster", pa.string())]
    fields += [(name, ARROW_TYPES[kind]) for name, kind in table.columns.items()]
    fields += [(name, ARROW_TYPES[kind]) for name, kind in STAMPS.items()]
    return pa.schema(fields)


def landing_name(source: str, table: str) -> str:
    """Name of the landing table inside schema `landing`."""
    return f"{source}__{table}"


def landing_columns(table: Table) -> dict[str, str]:
    """Column -> DuckDB type of a landing table, in order."""
    kinds: dict[str, Kind] = {"cluster": "text", **table.columns, **STAMPS}
    return {name: DUCKDB_TYPES[kind] for name, kind in kinds.items()}
