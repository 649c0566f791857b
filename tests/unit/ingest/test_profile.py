"""Profiles and row flags: what is counted as structural, what is only marked.

a few Arrow rows ─► profile ─► faults per column; ─► row_flags ─► names per row
"""

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from ingest.contracts import ARROW_TYPES, Table
from ingest.profile import ColumnProfile, profile, row_flags

NOW = datetime.fromisoformat("2026-11-22T12:00")
TABLE = Table("thing", ("dag_id", "id"), {
    "dag_id": "text", "id": "int", "at": "instant", "tags": "text_list", "ratio": "float"}, "whole")
STATES = frozenset({"running", "success"})


def rows(*, kinds: dict[str, pa.DataType] | None = None, **columns: list[Any]) -> pa.Table:
    count = len(next(iter(columns.values())))
    types = {n: ARROW_TYPES[k] for n, k in TABLE.columns.items()} | (kinds or {})
    return pa.table({n: pa.array(columns.get(n, [None] * count), t) for n, t in types.items()})


def faults(found: list[ColumnProfile]) -> dict[str, tuple[int, int, int]]:
    sums = {p.column: (p.key_null_count, p.duplicate_key_count, p.type_fault_count) for p in found}
    return {c: s for c, s in sums.items() if any(s)}


def test_a_batch_without_faults() -> None:
    found = profile(TABLE, rows(dag_id=["a", "a"], id=[1, 2], at=[NOW, None], ratio=[0.5, -1.0]))
    assert faults(found) == {}
    assert [p.column for p in found] == list(TABLE.columns)
    extremes = {p.column: (p.minimum, p.maximum, p.null_count) for p in found}
    assert extremes["id"] == ("1", "2", 0)
    assert extremes["at"] == (str(NOW), str(NOW), 1)
    assert extremes["ratio"] == ("-1.0", "0.5", 0)
    assert extremes["dag_id"] == (None, None, 0)


def test_an_empty_batch_has_no_faults() -> None:
    assert faults(profile(TABLE, rows(dag_id=[], id=[]))) == {}


def test_null_keys_and_shared_keys_are_counted() -> None:
    assert faults(profile(TABLE, rows(dag_id=["a", None], id=[1, 1]))) == {"dag_id": (1, 0, 0)}
    assert faults(profile(TABLE, rows(dag_id=["a", "a", "a", "b"], id=[1, 1, 1, 1]))) == {
        "dag_id": (0, 2, 0)}


def test_a_column_of_another_type_is_a_fault_wherever_it_is() -> None:
    found = profile(TABLE, rows(
        kinds={"ratio": pa.string()}, dag_id=["a"], id=[1], ratio=["much"]))
    assert faults(found) == {"ratio": (0, 0, 1)}


def flags(**columns: Any) -> list[list[str] | None]:
    kinds = {"start_date": pa.timestamp("us"), "end_date": pa.timestamp("us"),
             "queued_dttm": pa.timestamp("us")}
    table = pa.table({n: pa.array([v], kinds.get(n, pa.string())) for n, v in columns.items()})
    return row_flags(table, now=NOW, states=STATES).to_pylist()


@pytest.mark.parametrize(("columns", "expected"), [
    ({"state": "running"}, None),
    ({"state": None}, None),
    ({"state": "asleep"}, ["unknown_state"]),
    ({"state": "Success"}, ["unknown_state"]),
    ({"start_date": NOW, "end_date": NOW}, None),
    ({"start_date": NOW, "end_date": NOW - timedelta(microseconds=1)}, ["ended_before_started"]),
    ({"start_date": None, "end_date": NOW}, None),
    ({"start_date": NOW, "queued_dttm": NOW + timedelta(seconds=5)}, ["queued_after_started"]),
    ({"start_date": NOW, "queued_dttm": NOW}, None),
    ({"start_date": NOW + timedelta(hours=1)}, None),
    ({"start_date": NOW + timedelta(hours=1, seconds=1)}, ["in_the_future"]),
    ({"dag_id": "a b/c☃", "run_id": "scheduled__2026", "task_id": "x.y-z"}, None),
    ({"task_id": "load\n"}, ["odd_id"]),
    ({"run_id": "a\tb"}, ["odd_id"]),
    ({"dag_id": "\x1b[31mred"}, ["odd_id"]),
    ({"dag_id": "\x7f"}, ["odd_id"]),
    ({"run_id": "missing_dag_run__2026-11-01"}, ["missing_dag_run"]),
    ({"run_id": "my_missing_dag_run__"}, None),
    ({"state": "asleep", "task_id": "\n"}, ["unknown_state", "odd_id"]),
    ({"other": "\n"}, None),
])  # fmt: skip
def test_value_faults_are_named(columns: dict[str, Any], expected: list[str] | None) -> None:
    assert flags(**columns) == [expected]


def test_a_table_without_states_may_say_anything() -> None:
    table = pa.table({"state": ["whatever"], "id": [1]})
    assert row_flags(table, now=NOW, states=frozenset()).to_pylist() == [None]


def test_flags_of_no_rows() -> None:
    table = pa.table({"state": pa.array([], pa.string())})
    found = row_flags(table, now=NOW, states=STATES)
    assert (len(found), found.type) == (0, pa.list_(pa.string()))
