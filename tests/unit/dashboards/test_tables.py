"""Tables: formatted text over sortable values, and nothing of a stranger obeyed."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl

from dashboards import tables
from tests.views.snapshots import AS_OF, hostile_names

UTC = ZoneInfo("UTC")


def test_equal_values_may_read_differently_and_renderings_repeat() -> None:
    both = pl.DataFrame({"at": [AS_OF, AS_OF + timedelta(seconds=1)], "n": [7, 7]})
    style = tables.plain(both, {"at": "When", "n": "Rows"}, zone=UTC, near=AS_OF)
    for _ in range(2):
        assert style.to_html().count("Sun 4 Mar 12:00</td>") == 2
    assert style.data["Rows"].tolist() == [7, 7]


def test_names_of_strangers_are_made_visible() -> None:
    style = tables.plain(pl.DataFrame({"why": hostile_names()}), {"why": "Why"}, zone=UTC,
                         near=AS_OF)
    assert not any("\u202e" in text or "\n" in text for text in style.data["Why"])


def test_plain_frames() -> None:
    plain = tables.plain(
        pl.DataFrame({"at": [AS_OF, None], "n": [12345, None], "why": ["a\nb", None]}),
        {"at": "When", "n": "Rows", "why": "Why"}, zone=UTC, near=AS_OF + timedelta(hours=1))
    page = plain.to_html()
    assert "Sun 4 Mar 12:00" in page
    assert "12,345" in page
    assert "a␤b" in page
