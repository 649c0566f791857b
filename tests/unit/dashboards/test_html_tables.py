"""Tables as HTML: order, headings that keep the URL, and text that stays text."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.html_tables import Column, Order, in_order, order_of, table
from dashboards.markup import write

COLUMNS = [Column("Task", lambda r: r["task"], sort="task"),
           Column("Seconds", lambda r: r["seconds"], align="right", sort="seconds", hint="of n"),
           Column("Note", lambda r: None)]
DEFAULT = Order("task", is_descending=False)
FRAME = pl.DataFrame({"task": ["b", "a", "c"], "seconds": [1.0, None, 3.0]})


@pytest.mark.parametrize(("text", "expected"), [
    (None, DEFAULT), ("", DEFAULT), ("nonsense", DEFAULT), ("-", DEFAULT),
    ("seconds", Order("seconds", is_descending=False)),
    ("-seconds", Order("seconds", is_descending=True))])
def test_the_url_says_the_order(text: str | None, expected: Order) -> None:
    found = order_of(text, COLUMNS, DEFAULT)
    assert found == expected
    assert order_of(found.text, COLUMNS, DEFAULT) == expected


def test_what_is_unknown_comes_last_both_ways() -> None:
    for is_descending, tasks in ((False, ["b", "c", "a"]), (True, ["c", "b", "a"])):
        found = in_order(FRAME, Order("seconds", is_descending))
        assert found["task"].to_list() == tasks
    assert in_order(FRAME, Order("absent", is_descending=False)).equals(FRAME)


def test_a_heading_sorts_the_other_way_and_keeps_the_url() -> None:
    found = table(FRAME.iter_rows(named=True), COLUMNS, label="tasks",
                  order=Order("seconds", is_descending=True), query={"dag_id": "x&y"})
    assert 'href="?dag_id=x%26y&amp;sort=seconds"' in found
    assert 'href="?dag_id=x%26y&amp;sort=task"' in found
    assert 'aria-sort="descending"' in found
    assert "Seconds ▼" in found
    assert found.count("<tr") == 4


def test_the_chosen_row_is_marked() -> None:
    found = table(FRAME.iter_rows(named=True), COLUMNS, label="tasks",
                  chosen=lambda row: row["task"] == "a")
    assert found.count('<tr class="ws-chosen">') == 1


@given(st.text(), st.text())
def test_cells_are_text_unless_they_are_ours(text: str, label: str) -> None:
    columns = [Column("A", lambda _: text), Column("B", lambda _: write("<b>{x}</b>", x=text))]
    plain = table([{}], [Column("A", lambda _: "x"), Column("B", lambda _: write("<b></b>"))],
                  label="x")
    found = table([{}], columns, label=label)
    assert found.count("<") == plain.count("<")
    assert found.count('"') == plain.count('"')
