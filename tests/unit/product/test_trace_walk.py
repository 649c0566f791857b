"""Where a column of one statement comes from, one case of SQL at a time.

    a statement over the tables of `TABLES`  ->  read_statement, origin_of  ->  values, deciders
"""

import pytest

from windsock.trace.statement import ROWS, Column, Origin, read_statement
from windsock.trace.walk import origin_of

TABLES = {
    "staging.runs": dict.fromkeys(("run", "began", "ended", "state", "tags"), "varchar"),
    "staging.tries": dict.fromkeys(("run", "task", "began", "ended", "state"), "varchar"),
    "staging.edges": dict.fromkeys(("up", "down"), "varchar"),
}
RUNS, TRIES, EDGES = TABLES


def origin(sql: str, column: str = "x") -> Origin:
    return origin_of(read_statement(sql, TABLES), column)


def columns(*names: str) -> set[Column]:
    """`runs.began` as a column; `runs` as its rows."""
    return {Column(f"staging.{t}", c or ROWS) for t, _, c in (n.partition(".") for n in names)}


VALUES = {
    "a column": (
        "select began as x from staging.runs", ["runs.began"]),
    "an alias of a table": (
        "select r.began as x from staging.runs as r", ["runs.began"]),
    "arithmetic": (
        "select epoch_us(ended) - epoch_us(began) as x from staging.runs",
        ["runs.ended", "runs.began"]),
    "a star": (
        "with a as (select * from staging.runs) select began as x from a", ["runs.began"]),
    "a star of two tables": (
        "select * from staging.edges inner join (select run as x from staging.runs) on up = x",
        ["runs.run"]),
    "a star without a column": (
        "with a as (select * exclude (state) from staging.runs) select a.tags as x from a",
        ["runs.tags"]),
    "a star with another value": (
        "with a as (select * replace (ended as began) from staging.runs) select began as x from a",
        ["runs.ended"]),
    "union by position": (
        "with a as (select began, ended from staging.runs union all "
        "select up, down from staging.edges) select ended as x from a",
        ["runs.ended", "edges.down"]),
    "union by name": (
        "with a as (select began, ended from staging.runs union all by name "
        "select ended, began from staging.tries) select ended as x from a",
        ["runs.ended", "tries.ended"]),
    "three branches": (
        "select run as x from staging.runs union select task from staging.tries "
        "union all select up from staging.edges",
        ["runs.run", "tries.task", "edges.up"]),
    "a recursive cte goes through all of itself": (
        "with recursive w as (select up as a, up as b from staging.edges union all "
        "select w.b, t.task from w inner join staging.tries as t on w.a = t.run) "
        "select a as x from w",
        ["edges.up", "tries.task"]),
    "a field of a struct": (
        "with a as (select struct_pack(p := began, q := ended) as s from staging.runs) "
        "select s.q as x from a",
        ["runs.ended"]),
    "a field of a struct through an aggregate and a join": (
        "with a as (select run, arg_max(struct_pack(p := task, q := state), ended) as s "
        "from staging.tries group by run), "
        "b as (select coalesce(a.s, a.s) as s from staging.runs left join a on runs.run = a.run) "
        "select s.q as x from b",
        ["tries.state"]),
    "structs that are spread": (
        "with a as (select max({'x': began, 'y': ended}, 3) as s from staging.runs), "
        "b as (select unnest(s, recursive := true) from a) select x from b",
        ["runs.began"]),
    "a list that is unnested": (
        "select unnest(tags) as x from staging.runs", ["runs.tags"]),
    "a list that is unnested beside": (
        "select u.v as x from staging.runs as r, unnest([r.began, r.ended]) as u(v)",
        ["runs.began", "runs.ended"]),
    "a parameter of a lambda is no column": (
        "select list_transform([began], lambda state: state || ended) as x from staging.runs",
        ["runs.began", "runs.ended"]),
    "a subquery": (
        "select (select max(t.ended) from staging.tries as t where t.run = r.run) as x "
        "from staging.runs as r",
        ["tries.ended"]),
    "a semi join takes nothing from its right": (
        "with a as (select * from staging.tries semi join staging.runs using (run)) "
        "select began as x from a",
        ["tries.began"]),
    "an asof join": (
        "select t.began as x from staging.runs as r "
        "asof join staging.tries as t on r.run = t.run and r.began >= t.began",
        ["tries.began"]),
    "a join with using": (
        "select run as x from staging.runs full join staging.tries using (run)",
        ["runs.run", "tries.run"]),
    "an alias used beside it": (
        "select began as a, a || 'z' as x from staging.runs", ["runs.began"]),
}


@pytest.mark.parametrize("case", VALUES, ids=str)
def test_values(case: str) -> None:
    sql, expected = VALUES[case]
    found = origin(sql)
    assert found.is_exact
    assert set(found.values) == columns(*expected)


DECIDERS = {
    "case": (
        "select case when state = 'a' then began else ended end as x from staging.runs",
        ["runs.began", "runs.ended"], ["runs.state"]),
    "if": (
        "select if(state is null, began, null) as x from staging.runs",
        ["runs.began"], ["runs.state"]),
    "a word of its own comes from its condition": (
        "select case when state = 'a' then 'late' else run end as x from staging.runs",
        ["runs.state", "runs.run"], []),
    "conditions alone are the value": (
        "select case when state = 'a' then 1 else 0 end as x from staging.runs",
        ["runs.state"], []),
    "a filter": (
        "select sum(began) filter (where state = 'a') as x from staging.runs",
        ["runs.began"], ["runs.state"]),
    "which row of a group": (
        "select arg_max(began, ended) as x from staging.runs", ["runs.began"], ["runs.ended"]),
    "the order of a list": (
        "select list(began order by ended) as x from staging.runs",
        ["runs.began"], ["runs.ended"]),
    "a window": (
        "select lag(began) over (partition by run order by ended) as x from staging.runs",
        ["runs.began"], ["runs.run", "runs.ended"]),
    "a window that has a name": (
        "select lag(began) over w as x from staging.runs window w as (order by ended)",
        ["runs.began"], ["runs.ended"]),
    "a number in a row": (
        "select row_number() over (order by ended) as x from staging.runs", ["runs.ended"], []),
    "what decides is followed to its relation": (
        "with a as (select run, max(ended) as last from staging.tries group by run) "
        "select if(a.last > r.ended, r.began, null) as x from staging.runs as r "
        "inner join a on r.run = a.run",
        ["runs.began"], ["tries.ended", "runs.ended"]),
    "what is a value is no decider too": (
        "select case when began is null then ended else began end as x from staging.runs",
        ["runs.ended", "runs.began"], []),
}


@pytest.mark.parametrize("case", DECIDERS, ids=str)
def test_deciders(case: str) -> None:
    sql, values, deciders = DECIDERS[case]
    found = origin(sql)
    assert set(found.values) == columns(*values)
    assert set(found.deciders) == columns(*deciders)


ROW_CASES = {
    "a count": ("select count(*) as x from staging.runs", ["runs"]),
    "a count of a join": (
        "select count(*) as x from staging.runs as r inner join staging.tries as t "
        "on r.run = t.run left join staging.edges as e on e.up = t.task",
        ["runs", "tries"]),
    "a number without an order": ("select row_number() over () as x from staging.runs", ["runs"]),
    "a count of what only says which branch": (
        "with a as (select true as is_run from staging.runs union all "
        "select false from staging.tries) select count_if(is_run) as x from a",
        ["runs", "tries"]),
    "whether a left join found a row": (
        "with a as (select task from staging.tries) "
        "select a.task is not null as x from staging.runs as r left join a on r.run = a.task",
        ["tries"]),
    "turns of a recursion": (
        "with recursive w as (select up as a, 0 as n from staging.edges union all "
        "select w.a, w.n + 1 from w inner join staging.tries as t on w.a = t.run) "
        "select max(n) as x from w",
        ["edges", "tries"]),
}


@pytest.mark.parametrize("case", ROW_CASES, ids=str)
def test_rows(case: str) -> None:
    sql, expected = ROW_CASES[case]
    assert set(origin(sql).values) == columns(*expected)


def test_null_of_a_column_that_joins_nothing_is_its_value() -> None:
    found = origin("select t.ended is null as x from staging.runs as r "
                   "left join staging.tries as t on r.run = t.run")
    assert set(found.values) == columns("tries.ended")


def test_a_constant_comes_from_nowhere() -> None:
    found = origin("select 'finish' as x, run from staging.runs union all "
                   "select 'failure', run from staging.runs")
    assert (found.values, found.deciders, found.is_exact) == ([], [], True)
    assert [step.text for step in found.steps] == ["'finish'", "'failure'"]


@pytest.mark.parametrize("sql", [
    "select from where",                                            # no statement
    "select x from read_csv('somewhere')",                          # columns that nobody knows
    "with a as (select up from staging.edges) select a.x from a",   # no such column
    "select y.x from staging.runs",                                 # no such table
])
def test_what_cannot_be_resolved_is_said_to_be_all_that_is_read(sql: str) -> None:
    found = origin(sql)
    assert not found.is_exact
    assert set(found.values) <= {Column(t, c) for t, cs in TABLES.items() for c in cs}
    assert found.values


def test_steps_tell_what_each_part_of_the_statement_does() -> None:
    found = origin(
        "with lengths as (select run, Epoch_Us(ended) - epoch_us(began) AS us from staging.tries), "
        "totals as (select run, sum(us) as us from lengths group by run) "
        "select totals.us / 1000000.0 as x from totals")
    assert [(s.place, s.column, s.text) for s in found.steps] == [
        ("", "x", "totals.us / 1000000.0"),
        ("totals", "us", "sum(lengths.us)"),
        ("lengths", "us", "epoch_us(tries.ended) - epoch_us(tries.began)"),
    ]


def test_long_expressions_are_cut_and_texts_keep_their_case() -> None:
    found = origin(f"select concat('It''s MINE', '{'y' * 300}', began) as x from staging.runs")
    [step] = found.steps
    assert step.text.startswith("concat('It''s MINE', 'yyy")
    assert step.text.endswith("…")
    assert len(step.text) <= 120
