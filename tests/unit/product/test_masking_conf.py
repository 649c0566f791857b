"""What `mask_conf` and `mask_conf_json` promise about the conf of a DAG run."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.masking import CUT, MASK, MAX_DEPTH, MAX_STRING, MAX_TEXT, mask_conf, mask_conf_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
CONFS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
SECRET = "Zq9-Zq9"


def wrap(conf: Any, how: str) -> Any:
    """Hide a conf deeper: in an object, in a list, as a string of JSON, beside others."""
    return {
        "object": {"inner": conf, "table": "t"},
        "list": [1, conf, None],
        "json": json.dumps(conf),
        "json in json": json.dumps({"payload": json.dumps(conf)}),
    }[how]


HOWS = st.lists(st.sampled_from(["object", "list", "json", "json in json"]), max_size=4)
PLANTS = st.sampled_from(
    [
        {"password": SECRET},
        {"DbPassWord": [SECRET, {"x": SECRET}]},
        {"secret": {SECRET: 1}},
        {"x-api-key": f"a {SECRET} b"},
        {"mine": SECRET},
        {"uri": f"postgresql://u:{SECRET}@h/db"},
        {f"postgresql://u:{SECRET}@h/db": 1},
        {"name": "DB_TOKEN", "value": SECRET},
        {"key": "db_pw", "value": {"a": SECRET}},
        ["run", "--db-password", SECRET],
        ["run", f"--db-password={SECRET}"],
        f"run --token {SECRET}",
        f"password: {SECRET}",
    ]
)


@settings(deadline=None)  # a busy machine is no failure
@given(plant=PLANTS, hows=HOWS, other=CONFS)
def test_a_planted_secret_never_comes_out(plant: Any, hows: list[str], other: Any) -> None:
    conf = plant
    for how in hows:
        conf = wrap(conf, how)
    whole = {"other": other, "conf": conf}
    assert "Zq9" not in json.dumps(mask_conf(whole, ["mi-ne"]))
    assert "Zq9" not in str(mask_conf_json(json.dumps(whole), ["mi-ne"]))


@settings(deadline=None)  # a busy machine is no failure
@given(conf=CONFS)
def test_the_result_is_json_and_masking_twice_changes_nothing(conf: Any) -> None:
    masked = mask_conf(conf)
    assert mask_conf(masked) == masked
    text = mask_conf_json(json.dumps(conf))
    assert text is not None
    assert text.encode() is not None  # no lone surrogate
    json.loads(text, parse_constant=pytest.fail)


def test_a_harmless_conf_stays() -> None:
    conf = {"ds": "2026-11-22", "n": 3, "deep": {"list": [1, 2.5, None, True]}, "j": '{"a":1}'}
    assert mask_conf(conf) == conf
    assert json.loads(mask_conf_json(json.dumps(conf)) or "") == conf


def test_what_is_no_secret_under_a_sensitive_key_stays() -> None:
    conf = {"token": None, "use_password": True, "secret": "", "tokens": [], "pin": 0}
    assert mask_conf(conf) == {**conf, "pin": MASK}


def test_flag_before_flag_hides_nothing() -> None:
    assert mask_conf(["--ask-password", "--table", "t"]) == ["--ask-password", "--table", "t"]


def test_doubled_keys_in_json_inside_a_string_are_all_seen() -> None:
    assert "s3cret" not in str(mask_conf({"j": '{"a": "pg://u:s3cret@h", "a": 1}'}))


def test_two_keys_that_look_alike_when_masked_are_both_kept() -> None:
    assert mask_conf({"pg://u:a@h": 1, "pg://u:b@h": 2}) == {"pg://u:***@h": 1, "pg://u:***@h#": 2}


def test_what_json_cannot_say_becomes_text_without_being_called() -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise AssertionError

        __str__ = __repr__

    conf = {
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "day": date(2026, 1, 1),
        "n": Decimal("1.5"),
        "bytes": b"x",
        "object": Hostile(),
        "set": {1},
        "nan": float("nan"),
        3: "three",
        None: 0,
    }
    assert mask_conf(conf) == {
        "at": "2026-01-01T00:00:00+00:00",
        "day": "2026-01-01",
        "n": "1.5",
        "bytes": "*** bytes",
        "object": "*** Hostile",
        "set": [1],
        "nan": "nan",
        "3": "three",
        "null": 0,
    }


def nested(depth: int) -> Any:
    conf: Any = "bottom"
    for _ in range(depth):
        conf = {"a": conf}
    return conf


def test_what_is_cut_is_said() -> None:
    told: list[str] = []
    conf = {"deep": nested(MAX_DEPTH + 5), "long": "x" * (MAX_STRING + 1), "many": [0] * 200_000}
    masked = json.loads(mask_conf_json(json.dumps(conf), tell=told.append) or "")
    assert "bottom" not in json.dumps(masked)
    assert masked["long"] == f"{CUT}a string of {MAX_STRING + 1} characters"
    assert masked["many"][-1] == f"{CUT}{200_000 - len(masked['many']) + 1} more items"
    assert len(told) == 3
    assert all(line.startswith("cut: ") for line in told)


def test_an_object_with_too_many_keys_is_cut() -> None:
    masked = mask_conf({str(key): key for key in range(100_001)})
    assert masked[MASK] == f"{CUT}1 more keys"


def test_numbers_without_end_are_cut() -> None:
    assert mask_conf({"n": 10**400}) == {"n": f"{CUT}a number of more than 300 digits"}


BROKEN = {
    "cut off": '{"password": "Zq9"',
    "repr": "{'password': 'Zq9'}",
    "empty": "",
    "deep": "[" * 200_000,
    "digits": "9" * 5_000,
    "long": " " * (MAX_TEXT + 1),
}


@pytest.mark.parametrize("text", list(BROKEN.values()), ids=list(BROKEN))
def test_no_json_gives_nothing_and_the_reason(text: str) -> None:
    told: list[str] = []
    assert mask_conf_json(text, tell=told.append) is None
    assert len(told) == 1
    assert told[0].startswith("not kept: ")
    assert "Zq9" not in told[0]


def test_a_reason_may_be_ignored() -> None:
    assert mask_conf_json("nonsense") is None


def test_one_extra_name_given_as_text_is_one_name() -> None:
    assert mask_conf({"pass": 1, "a": 2, "mine": 3}, "mine") == {"pass": MASK, "a": 2, "mine": MASK}
