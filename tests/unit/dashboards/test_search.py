"""The search: words of a text, and the ranking of the queries against its plain twin."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards import data, search
from dashboards.panels import discover_filters, discover_hits
from tests import search_twin
from tests.views.snapshots import MARTS, entry

LETTERS = st.sampled_from("aabdors_-. É1")
NAMES = st.text(LETTERS, min_size=1, max_size=10)
ENTRIES = st.lists(st.tuples(NAMES, st.none() | NAMES, st.integers(0, 3), st.booleans()),
                   min_size=1, max_size=8, unique_by=lambda one: one[:2])


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create schema marts")
        opened.execute(f"create table marts.dim_search_entries "
                       f"({MARTS['dim_search_entries']})")
        yield opened


def rows_of(drawn: Sequence[tuple[str, str | None, int, bool]]) -> list[dict[str, Any]]:
    made = [entry(dag, task or "", run_count=count, is_current=is_current)
            for dag, task, count, is_current in drawn]
    for one in made:        # as the mart has it: lower case letter by letter
        one["search_text"] = one["entry_name"].lower()
        one["qualified_name"] = ".".join(
            part for part in (one["dag_id"], one["task_id"]) if part).lower()
    return made


def asked(con: duckdb.DuckDBPyConnection, name: str, rows: Sequence[dict[str, Any]],
          text: str) -> list[tuple[str, str]]:
    con.execute("truncate marts.dim_search_entries")
    for row in rows:
        marks = ", ".join("?" for _ in row)
        con.execute(f"insert into marts.dim_search_entries ({', '.join(row)}) values ({marks})",
                    list(row.values()))
    sql = data.query_text(name)
    given = {**search.EVERYTHING, **search.parameters(text), "row_limit": 100}
    wanted = set(re.findall(r"\$([a-z_0-9]+)", sql))
    found = con.sql(sql, params={k: v for k, v in given.items() if k in wanted})
    return [(one["dag_id"], one["task_id"]) for one in found.pl().iter_rows(named=True)]


def keys(entries: Sequence[search_twin.Entry]) -> list[tuple[str, str]]:
    return [(one["dag_id"], one["task_id"]) for one in entries]


@settings(max_examples=150, deadline=None)
@given(ENTRIES, st.text(LETTERS, max_size=8))
def test_hits_come_in_the_order_of_the_twin(
        con: duckdb.DuckDBPyConnection, drawn: list[Any], text: str) -> None:
    rows = rows_of(drawn)
    assert asked(con, "search__hits", rows, text) == keys(search_twin.hits(rows, text))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.text("abdors_", min_size=1, max_size=9), st.none(),
                          st.integers(0, 3), st.booleans()),
                min_size=1, max_size=8, unique_by=lambda one: one[0]),
       st.text("abdors ", min_size=3, max_size=9).filter(str.strip))
def test_near_names_come_in_the_order_of_the_twin(
        con: duckdb.DuckDBPyConnection, drawn: list[Any], text: str) -> None:
    rows = rows_of(drawn)
    assert asked(con, "search__near", rows, text) == keys(search_twin.near(rows, text))


def test_exact_then_prefix_then_words_then_parts(con: duckdb.DuckDBPyConnection) -> None:
    rows = rows_of([(name, None, 0, True) for name in (
        "preorders_daily", "a_daily_orders", "orders_daily_eu", "orders-daily")])
    assert asked(con, "search__hits", rows, "Orders daily") == [
        ("orders-daily", ""), ("orders_daily_eu", ""), ("a_daily_orders", ""),
        ("preorders_daily", "")]


@pytest.mark.parametrize(("text", "words"), [
    ("Ads_daily.load", ["ads", "daily", "load"]), ("  ", []), ("--", ["--"]),
    ("naïve/🌬️", ["naïve", "🌬️"]), ("a b c d e f g h", ["a", "b", "c", "d", "e", "f"]),
    ("İstanbul", ["istanbul"])])
def test_words(text: str, words: list[str]) -> None:
    assert search.words(text) == words


@pytest.mark.parametrize("text", [
    "(", "[a-", "\\", "a" * 5000, "$word_1", "' or 1=1", "\x00", "%_"])
def test_no_text_breaks_a_query(con: duckdb.DuckDBPyConnection, text: str) -> None:
    rows = rows_of([("orders", None, 1, True)])
    assert asked(con, "search__hits", rows, text) == []
    assert asked(con, "search__near", rows, text) == []


def test_without_a_text_dags_alone_are_listed() -> None:
    def kind_of(**values: str) -> str | None:
        return discover_filters.Narrowing(values).entry_kind

    assert kind_of() == "dag"
    assert kind_of(q="x") is None
    assert kind_of(q="x", kind="tasks") == kind_of(kind="tasks") == "task"


def test_the_order_is_of_the_url_or_what_serves() -> None:
    assert discover_hits.order(None, "") == discover_hits.NEWEST
    assert discover_hits.order(None, "x") == discover_hits.LIKELIEST
    assert discover_hits.order("-nonsense", "") == discover_hits.NEWEST
    shortest = discover_hits.order("last_run_seconds", "x")
    assert discover_hits.order_words(shortest) == "shortest last run first"
    assert discover_hits.order_parameters(shortest) == {
        "is_ranked": False, "sorted_by": 3, "direction": -1}


def test_options_are_sorted_and_taken_apart() -> None:
    found = discover_filters.options({"owners": [["b", "a"], ["a"], []], "teams": ["z", None, ""]})
    assert found["owners"] == ["a", "b"]
    assert found["teams"] == ["z"]
    assert found["tags"] == []
