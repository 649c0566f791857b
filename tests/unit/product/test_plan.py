"""A routine build from a plan: what runs, what is skipped, and that a failure leaves nothing."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from windsock import plan as plans
from windsock.errors import BuildError
from windsock.plan import INCOMING, Forgets, Plan, Step, ordered

RUNS = Step("int_runs", "intermediate.int_runs", "made",
            "select id, state from landing.airflow_db__dag_run where _load_number > 0",
            ("airflow_db__dag_run",))
LATE = Step("int_late", "intermediate.int_late", "made",
            "select id from intermediate.int_runs where state = 'late'", ("int_runs",))
MART = Step("fct_late", "marts.fct_late", "appended", "select id from intermediate.int_late",
            ("int_late",), forgets=Forgets("intermediate.int_late", ("id",)))
POOLS = Step("dim_pools", "marts.dim_pools", "kept",
             "select pool from landing.airflow_db__slot_pool", ("airflow_db__slot_pool",))
STEPS = (RUNS, LATE, MART, POOLS)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty build file with the tables that dbt would have made."""
    with duckdb.connect() as con:
        con.execute("""
            create schema landing; create schema intermediate; create schema marts;
            create table landing.loads (load_number bigint, source varchar, kind varchar);
            create table landing.batches (load_number bigint, table_name varchar);
            create table landing.failed_loads (cluster varchar);
            create table landing.airflow_db__dag_run (id int, state varchar, _load_number bigint);
            create table landing.airflow_db__slot_pool (pool varchar);
            create table marts.fct_late (id int); create table marts.dim_pools (pool varchar);
            create table intermediate.int_runs (id int, state varchar);
            create table intermediate.int_late (id int);
        """)
        yield con


def land(con: duckdb.DuckDBPyConnection, number: int, table: str, *values: str,
         kind: str = "increment") -> None:
    con.execute("insert into landing.loads values ($1, 'airflow_db', $2)", [number, kind])
    con.execute("insert into landing.batches values ($1, $2)", [number, table])
    for value in values:
        con.execute(f"insert into landing.airflow_db__{table} values ({value})")


def run(con: duckdb.DuckDBPyConnection, *steps: Step) -> list[str]:
    return list(plans.run(con, Plan("models", ordered(steps or STEPS)), Path()))


def test_without_knowledge_everything_is_made(con: duckdb.DuckDBPyConnection) -> None:
    land(con, 1, "dag_run", "1, 'late', 1")
    assert sorted(run(con)) == ["dim_pools", "fct_late", "int_late", "int_runs"]
    assert con.execute("from marts.fct_late").fetchall() == [(1,)]


def test_when_nothing_landed_nothing_runs(con: duckdb.DuckDBPyConnection) -> None:
    land(con, 1, "dag_run", "1, 'late', 1")
    run(con)
    assert run(con) == []


def test_after_dbt_only_what_landed_since_is_made(con: duckdb.DuckDBPyConnection) -> None:
    land(con, 1, "dag_run", "1, 'late', 1")
    plans.begin_after(con, "models")
    land(con, 2, "slot_pool", "'small'")
    assert run(con) == ["dim_pools"]


def test_a_change_ends_where_the_outcome_is_the_same(con: duckdb.DuckDBPyConnection) -> None:
    land(con, 1, "dag_run", "1, 'late', 1")
    run(con)
    land(con, 2, "dag_run", "2, 'fine', 2")
    assert run(con) == ["int_runs", "int_late"], "int_late is as it was: its mart stays"
    land(con, 3, "dag_run", "3, 'late', 3")
    assert run(con) == ["int_runs", "int_late", "fct_late"]
    assert sorted(con.execute("from marts.fct_late").fetchall()) == [(1,), (3,)]


def test_the_same_rows_in_another_order_are_no_change(con: duckdb.DuckDBPyConnection) -> None:
    land(con, 1, "slot_pool", "'a'", "'b'")
    run(con, POOLS)
    con.execute("delete from landing.airflow_db__slot_pool")
    land(con, 2, "slot_pool", "'b'", "'a'")
    reader = Step("agg", "marts.agg", "made", "select count(*) as n from marts.dim_pools",
                  ("dim_pools",))
    assert run(con, POOLS, reader) == ["dim_pools"]


def test_rows_twice_are_another_content(con: duckdb.DuckDBPyConnection) -> None:
    land(con, 1, "slot_pool", "'a'")
    run(con, POOLS)
    land(con, 2, "slot_pool", "'a'")
    run(con, POOLS)
    assert con.execute("from marts.dim_pools").fetchall() == [("a",), ("a",)]


def test_what_reads_the_build_before_runs_with_every_load(con: duckdb.DuckDBPyConnection) -> None:
    always = Step("int_late", LATE.relation, "made", LATE.text, ("int_runs",), is_always_due=True)
    land(con, 1, "dag_run", "1, 'late', 1")
    run(con, RUNS, always)
    assert run(con, RUNS, always) == []
    land(con, 2, "slot_pool", "'a'")
    assert run(con, RUNS, always) == ["int_late"]


def test_a_load_that_takes_rows_away_makes_everything(con: duckdb.DuckDBPyConnection) -> None:
    land(con, 1, "dag_run", "1, 'late', 1")
    run(con)
    land(con, 2, "dag_run", kind="expiry")
    assert len(run(con)) == len(STEPS)


def test_other_models_make_everything(con: duckdb.DuckDBPyConnection) -> None:
    run(con)
    assert len(plans.run(con, Plan("other models", ordered(STEPS)), Path())) == len(STEPS)


def test_a_failed_landing_is_a_change(con: duckdb.DuckDBPyConnection) -> None:
    failed = Step("fct_failed", "marts.fct_failed", "made", "from landing.failed_loads",
                  ("failed_loads",))
    run(con, POOLS, failed)
    con.execute("insert into landing.failed_loads values ('prod')")
    assert run(con, POOLS, failed) == ["fct_failed"]


def test_keys_that_come_replace_those_that_are_there(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table intermediate.int_states (id int, state varchar)")
    states = Step("int_states", "intermediate.int_states", "appended",
                  "select id, state from landing.airflow_db__dag_run where _load_number = 2",
                  ("airflow_db__dag_run",), forgets=Forgets(INCOMING, ("id",)))
    con.execute("insert into intermediate.int_states values (1, 'late'), (2, 'fine')")
    land(con, 2, "dag_run", "1, 'fine', 2")
    run(con, states)
    assert sorted(con.execute("from intermediate.int_states").fetchall()) == [
        (1, "fine"), (2, "fine")]


def test_a_step_that_fails_leaves_the_file_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    land(con, 1, "dag_run", "1, 'late', 1")
    run(con)
    land(con, 2, "dag_run", "2, 'late', 2")
    broken = Step("dim_broken", "marts.dim_broken", "made", "select 1 / 'x'::int as n",
                  ("fct_late",))
    with pytest.raises(BuildError, match="dim_broken could not be built"):
        run(con, RUNS, LATE, MART, broken)
    assert con.execute("from marts.fct_late").fetchall() == [(1,)]
    assert con.execute("select count(*) from intermediate.int_runs").fetchall() == [(1,)]
    assert run(con, RUNS, LATE, MART) == ["int_runs", "int_late", "fct_late"]


def test_steps_come_after_their_inputs_always_in_the_same_order() -> None:
    assert [s.name for s in ordered(reversed(STEPS))] == [
        "dim_pools", "int_runs", "int_late", "fct_late"]


def test_models_that_wait_for_each_other_are_named() -> None:
    one = Step("one", "one", "made", "", ("two",))
    two = Step("two", "two", "made", "", ("one",))
    with pytest.raises(BuildError, match="one, two"):
        ordered([one, two])


def test_a_plan_that_was_kept_is_the_same(tmp_path: Path) -> None:
    plan = Plan("models", ordered(STEPS))
    plan.write(tmp_path / "plan.json")
    assert Plan.read(tmp_path / "plan.json") == plan
    assert Plan.read(tmp_path / "none.json") is None
