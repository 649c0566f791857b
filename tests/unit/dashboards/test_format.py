"""How numbers, instants and strangers' text read."""

import html
import unicodedata
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import format as fmt

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime.fromisoformat("2001-03-04T12:05:07")


@pytest.mark.parametrize(("seconds", "text"), [
    (None, ""), (float("nan"), ""), (float("inf"), ""), (0, "0 s"), (0.01, "<0.1 s"),
    (0.44, "0.4 s"), (0.94, "0.9 s"), (0.96, "1 s"), (42, "42 s"), (59.4, "59 s"),
    (59.7, "1 m 00 s"), (1100, "18 m 20 s"), (3599.7, "1 h 00 m"), (18_149, "5 h 02 m"),
    (86_399, "1 d 0 h"), (3 * 86_400 + 4 * 3600, "3 d 4 h"), (400 * 86_400, "400 d"),
    (-5, "\N{MINUS SIGN}5 s")])
def test_durations_read_like_the_design_says(seconds: float | None, text: str) -> None:
    assert fmt.duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e9))
def test_no_duration_has_sixty_of_a_unit(seconds: float) -> None:
    parts = fmt.duration(seconds).split()
    assert len(parts) in (2, 4)
    assert ("60", "s") not in pairwise(parts)
    assert ("60", "m") not in pairwise(parts)
    assert ("24", "h") not in pairwise(parts)


@pytest.mark.parametrize(("away", "text"), [
    (0, "just now"), (42, "42 s ago"), (119, "1 m ago"), (3 * 3600 + 720, "3 h 12 m ago"),
    (-90, "in 1 m"), (86_400 * 3, "3 d 0 h ago")])
def test_ages(away: int, text: str) -> None:
    assert fmt.age(AT - timedelta(seconds=away), AT) == text


@pytest.mark.parametrize(("length", "text"), [
    (timedelta(minutes=5), "5 m"), (timedelta(hours=24), "24 h"), (timedelta(days=7), "7 d"),
    (timedelta(seconds=90), "1 m 30 s")])
def test_spans(length: timedelta, text: str) -> None:
    assert fmt.span(length) == text


def test_instants_are_on_the_viewers_clock_and_the_zone_has_its_offset() -> None:
    assert fmt.instant(AT, BERLIN) == "Sun 4 Mar 13:05"
    assert fmt.instant(AT, BERLIN, near=AT.replace(year=2000)) == "Sun 4 Mar 2001 13:05"
    assert fmt.instant(None, BERLIN) == ""
    assert fmt.zone_label(BERLIN, AT) == "Europe/Berlin (UTC+1)"
    assert fmt.zone_label(ZoneInfo("Asia/Kolkata"), AT) == "Asia/Kolkata (UTC+5:30)"
    assert fmt.zone_label(ZoneInfo("UTC"), AT) == "UTC"
    assert fmt.utc(AT) == "2001-03-04 12:05:07 UTC"


@pytest.mark.parametrize("name", [None, "", "Nowhere/Land", "../../etc/passwd", "a" * 300, "\0"])
def test_a_zone_that_is_not_known_is_utc(name: str | None) -> None:
    assert fmt.zone_named(name).key == "UTC"


def test_the_viewers_midnight() -> None:
    assert fmt.local_midnight(AT, BERLIN) == datetime.fromisoformat("2001-03-03T23:00")


@given(st.datetimes(min_value=AT - timedelta(days=4000), max_value=AT + timedelta(days=30_000)))
def test_local_and_back(at: datetime) -> None:
    assert at.replace(tzinfo=UTC).astimezone(BERLIN).replace(tzinfo=None) == fmt.local(at, BERLIN)


@pytest.mark.parametrize(("number", "text"), [
    (None, ""), (0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KiB"), (1.5 * 2**30, "1.5 GiB"),
    (1024 * 1024 - 1, "1.0 MiB"), (-2048, "\N{MINUS SIGN}2.0 KiB")])
def test_sizes(number: float | None, text: str) -> None:
    assert fmt.size(number) == text


@pytest.mark.parametrize(("ratio", "text"), [
    (None, ""), (0, "0 %"), (0.0001, "<0.1 %"), (0.004, "0.4 %"), (0.42, "42 %"), (1, "100 %")])
def test_percentages(ratio: float | None, text: str) -> None:
    assert fmt.percent(ratio) == text


def test_counts_have_nouns() -> None:
    assert fmt.count(12345) == "12,345"
    assert fmt.count(1, "run") == "1 run"
    assert fmt.count(0, "batch", "batches") == "0 batches"


@given(st.text(max_size=400))
def test_escaped_text_has_no_markup_and_says_the_same(text: str) -> None:
    escaped = fmt.escape(text)
    assert not set("<>\"'") & set(escaped)
    assert html.unescape(escaped) == fmt.visible(text)


@given(st.text())
def test_visible_text_is_one_line_without_controls_or_direction_marks(text: str) -> None:
    shown = fmt.visible(text)
    assert len(shown.splitlines()) <= 1
    assert not [c for c in shown
                if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")
                or unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI",
                                                    "LRI", "FSI", "PDI")]


def test_visible_text_is_cut_and_its_tricks_are_named() -> None:
    assert fmt.visible("a\nb\t\u202egnp") == "a␤b␉⟨U+202E⟩gnp"
    assert len(fmt.visible("a" * 400)) == 300
    assert fmt.visible("👩\u200d👧") == "👩\u200d👧"


@given(st.text(), st.integers(min_value=4, max_value=60))
def test_shortened_text_fits_and_keeps_both_ends(text: str, limit: int) -> None:
    short = fmt.shorten(text, limit)
    assert len(short) <= limit or short == text
    assert text.startswith(short[:1])
    assert text.endswith(short[-1:])
