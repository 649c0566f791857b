"""How the doctor says what it found."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from ingest.doctor import Check, exit_code, render
from ingest.doctor.check import Subject, duration, size, within
from windsock.errors import WindsockError

SUBJECT = Subject("prod")


def test_checks_are_aligned_and_the_fix_is_on_its_own_line() -> None:
    text = render([
        Check("prod", "reachable", "ok", "answers"),
        Check("warehouse", "disk", "warn", "little room", "make room"),
        Check("prod", "logs", "fail", "not there", "correct it"),
    ])
    assert text.splitlines() == [
        "✓ ok    prod       reachable  answers",
        "! warn  warehouse  disk       little room",
        "                   → make room",
        "✗ fail  prod       logs       not there",
        "                   → correct it",
        "",
        "1 ok, 1 warn, 1 fail",
    ]


def test_no_checks() -> None:
    assert render([]) == "nothing was checked"


def test_only_a_failure_is_an_error() -> None:
    checks = [SUBJECT.ok("a", ""), SUBJECT.warn("b", "", "")]
    assert exit_code(checks) == 0
    assert exit_code([*checks, SUBJECT.fail("c", "", "")]) == 1


def test_what_is_seen_is_one_line_without_passwords() -> None:
    check = SUBJECT.fail("x", "cannot open\n\x1b[31mpg://u:p@ss:w@h/db\u2028and more", "a\nb")
    assert check.seen == "cannot open [31mpg://u:***@h/db and more"
    assert check.next_step == "a b"
    assert len(SUBJECT.ok("x", "long " * 1000).seen) == 600


def test_a_look_that_fails_is_a_finding() -> None:
    def refused() -> Iterator[Check]:
        yield SUBJECT.ok("never told", "")
        raise WindsockError("There is no server.", next_step="start it")

    def broken() -> list[Check]:
        raise KeyError("surprise")

    assert SUBJECT.attempt("x", refused) == [
        Check("prod", "x", "fail", "There is no server.", "start it")]
    [check] = SUBJECT.attempt("x", broken)
    assert (check.status, check.seen) == ("fail", "KeyError: 'surprise'")


def test_work_that_hangs_is_left_alone() -> None:
    released = threading.Event()

    def work(tell: Callable[[Check], None]) -> None:
        tell(SUBJECT.ok("first", ""))
        released.wait(30)
        tell(SUBJECT.ok("second", ""))

    late = SUBJECT.fail("time", "", "")
    assert within(0.2, work, late) == [SUBJECT.ok("first", ""), late]
    released.set()
    assert within(30, work, late) == [SUBJECT.ok("first", ""), SUBJECT.ok("second", "")]


@pytest.mark.parametrize(("count", "words"), [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1.5 * 2**30, "1.5 GiB"),
    (3 * 2**40, "3.0 TiB"),
])
def test_sizes(count: float, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(("length", "words"), [
    (timedelta(seconds=1.4), "1 s"), (timedelta(minutes=5), "5 min"), (timedelta(hours=5), "5 h"),
    (timedelta(days=9), "9 days"), (-90, "-90 s"),
])
def test_lengths_of_time(length: timedelta | float, words: str) -> None:
    assert duration(length) == words
