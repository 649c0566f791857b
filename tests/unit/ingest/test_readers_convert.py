"""Texts and Python values into typed columns: strict, in bulk, never an exception."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.airflow_db.readers.batches import batch_of, regroup
from ingest.sources.airflow_db.readers.convert import INSTANT, from_python, from_text

NOON = datetime(2026, 11, 22, 6, 41, 3, tzinfo=UTC)


def instants(*texts: str | None) -> pa.Array:
    return from_text(pa.array(texts, pa.string()), INSTANT)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 06:41:03.000000",
        "2026-11-22 06:41:03",
        "2026-11-22T06:41:03",
        "2026-11-22T06:41:03Z",
        "2026-11-22 06:41:03+00:00",
        "2026-11-22 06:41:03 +00:00",
        "2026-11-22T12:11:03.000000+05:30",
        "2026-11-22 01:41:03-0500",
        "2026-11-22 06:41:03.000000999",
    ],
)
@pytest.mark.parametrize("companion", [None, "2026-11-22 06:41:03", "2026-11-22T07:41:03+01:00"])
def test_every_shape_of_an_instant_is_utc(text: str, companion: str | None) -> None:
    found = instants(text, None, companion)
    assert found.type == INSTANT
    assert found.to_pylist() == [NOON, None, companion and NOON]


@pytest.mark.parametrize(
    "text",
    ["infinity", "-infinity", "", "0000-00-00 00:00:00", "20261122", "2026", "1763793663", "now",
     "2026-13-01 00:00:00", "2026-11-22 24:00:00", "2026-11-22 6:41:03", "0000-01-01 00:00:00",
     "2026-11-22 06:41:03+99:00", "0001-01-01 00:00:00+05:00"],
)  # fmt: skip
def test_what_is_no_instant_stays_text(text: str) -> None:
    found = instants("2026-11-22 06:41:03", text)
    assert found.type == pa.string()
    assert found.to_pylist() == ["2026-11-22 06:41:03", text]


def test_the_ends_of_the_calendar() -> None:
    found = instants("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
    assert found.to_pylist() == [
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ]


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime.fromisoformat("0002-01-01"),
                         datetime.fromisoformat("9998-01-01")),
            st.sampled_from([None, 0, 330, -300, 840]),
            st.sampled_from([" ", "T"]),
        ),
        min_size=1,
    )
)
def test_instants_agree_with_the_standard_library(
    cases: list[tuple[datetime, int | None, str]],
) -> None:
    zones = [None if m is None else timezone(timedelta(minutes=m)) for _, m, _ in cases]
    moments = [c[0].replace(tzinfo=z) for c, z in zip(cases, zones, strict=True)]
    texts = [m.isoformat(sep=case[2]) for m, case in zip(moments, cases, strict=True)]
    expected = [m.replace(tzinfo=m.tzinfo or UTC).astimezone(UTC) for m in moments]
    assert instants(*texts).to_pylist() == expected


@pytest.mark.parametrize(
    ("values", "wanted", "expected"),
    [
        ([1, 0, None], pa.bool_(), [True, False, None]),
        ([b"t", b"FALSE", 1], pa.bool_(), [True, False, True]),
        ([b"\x01", b"\x00"], pa.bool_(), [True, False]),
        ([1.5, 2], pa.float64(), [1.5, 2.0]),
        ([2**63 - 1], pa.float64(), [float(2**63)]),
        ([b"12", 3, 4.0], pa.int64(), [12, 3, 4]),
        ([-(2**63), 2**63 - 1], pa.int64(), [-(2**63), 2**63 - 1]),
        ([b"a\xffb", b"c\x00d", None, b""], pa.string(), ["a�b", "c�d", None, ""]),
        ([1, 2.5, b"x", None], pa.string(), ["1", "2.5", "x", None]),
        ([b"\x00\xff", None], pa.binary(), [b"\x00\xff", None]),
        ([None, None], pa.int64(), [None, None]),
        ([None], INSTANT, [None]),
        ([], INSTANT, []),
    ],
)
def test_values_that_fit(values: list[object], wanted: pa.DataType, expected: list[object]) -> None:
    found = from_python(values, wanted)
    assert found.type == wanted
    assert found.to_pylist() == expected


@pytest.mark.parametrize(
    ("values", "wanted", "expected"),
    [
        ([1, 2.5, None], pa.int64(), ["1", "2.5", None]),
        ([2], pa.bool_(), ["2"]),
        ([0.5], pa.bool_(), ["0.5"]),
        ([b"0x10"], pa.int64(), ["0x10"]),
        ([b"many"], pa.float64(), ["many"]),
        ([float("inf")], pa.int64(), ["inf"]),
        ([b"2026-11-22", 5], INSTANT, ["2026-11-22", "5"]),
        ([b"a", 3], pa.binary(), ["a", "3"]),
    ],
)
def test_values_that_do_not_fit_keep_their_text(
    values: list[object], wanted: pa.DataType, expected: list[object]
) -> None:
    found = from_python(values, wanted)
    assert found.type == pa.string()
    assert found.to_pylist() == expected


ANYTHING = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary())


@given(st.lists(ANYTHING), st.sampled_from([pa.string(), pa.int64(), pa.float64(), pa.bool_(),
                                            INSTANT, pa.binary()]))  # fmt: skip
def test_nothing_crashes_and_no_null_appears(values: list[object], wanted: pa.DataType) -> None:
    found = from_python(values, wanted)
    found.validate(full=True)
    assert found.type in (wanted, pa.string())
    assert [v is None for v in found.to_pylist()] == [v is None for v in values]


def test_pieces_become_batches_of_one_schema() -> None:
    wanted = pa.schema([("n", pa.int64())])
    pieces = [batch_of([pa.array(range(n), pa.int64())], wanted) for n in (3, 4, 25, 1)]
    odd = batch_of([pa.array(["x"])], wanted)
    batches = list(regroup([*pieces[:2], odd, *pieces[2:]], 10))
    assert [b.num_rows for b in batches] == [7, 1, 10, 10, 6]
    assert [str(b.schema.field("n").type) for b in batches] == [
        "int64", "string", "int64", "int64", "int64"]  # fmt: skip
    assert list(regroup([], 10)) == []
