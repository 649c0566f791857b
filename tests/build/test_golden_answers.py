"""What a person derives from DAG files and raw rows, compared with the marts.

    tests/golden/*.yml  =  fct_critical_path_steps, fct_dag_runs, fct_task_attempts, …

See `tests/golden/README.md` for how the answers were found and how to write one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.corpus_warehouse import CLUSTERS, corpus_warehouse, reading
from tests.golden.answers import (
    MILLISECOND,
    TERMS,
    Answer,
    all_terms,
    facts,
    name_of,
    paths,
    seconds,
    task_of,
)

__all__ = ["corpus_warehouse"]      # a fixture

Row = dict[str, Any]
PATHS, FACTS = paths(), facts()
RUN = ("cluster", "dag_id", "run_id")
COMPLETE = [a for a in PATHS if "terms" in a]


@pytest.fixture(scope="module")
def con(corpus_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with reading(corpus_warehouse) as opened:
        yield opened


def rows(con: duckdb.DuckDBPyConnection, mart: str, of: Row, order: str = "all") -> list[Row]:
    """Rows of a mart with these values."""
    where = " and ".join(f'"{column}" = ?' for column in of)
    cursor = con.execute(
        f"select * from marts.{mart} where {where} order by {order}", list(of.values()))
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def run_of(con: duckdb.DuckDBPyConnection, answer: Answer) -> Row:
    """The run that an answer is about."""
    [run] = rows(con, "fct_dag_runs", {k: answer[k] for k in RUN})
    return run


def steps_of(con: duckdb.DuckDBPyConnection, answer: Answer, path_kind: str) -> list[Row]:
    """The steps of one path of its run, in order."""
    of = {k: answer[k] for k in RUN} | {"path_kind": path_kind}
    return rows(con, "fct_critical_path_steps", of, "step_number")


def told(answer: Answer, what: str, expected: object, found: object) -> str:
    """A failure as a person reads it."""
    return (f"\n{name_of(answer)}: {what}\n  expected {expected}\n  found    {found}\n"
            f"  because  {answer['because']}")


def check_seconds(answer: Answer, what: str, expected: float, found: float | None) -> None:
    """Equal to the millisecond, or to the tolerance that the answer states."""
    tolerance = answer.get("tolerance", MILLISECOND)
    assert found is not None and abs(found - expected) <= tolerance, told(   # noqa: PT018
        answer, f"{what} (± {tolerance} s)", round(expected, 6), found)


# --- the answers themselves --------------------------------------------------------------------

def test_there_are_enough_and_each_has_a_reason() -> None:
    assert len(PATHS) >= 100
    assert len(FACTS) >= 40
    assert {a["cluster"] for a in PATHS} == set(CLUSTERS)
    assert all(a["because"].strip() for a in PATHS + FACTS)
    names = [name_of(a) for a in PATHS + FACTS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("answer", COMPLETE, ids=name_of)
def test_the_terms_of_an_answer_tile_the_raw_run(
    con: duckdb.DuckDBPyConnection, answer: Answer
) -> None:
    """A slip of the pen in an answer is found in the landed run, not blamed on a model."""
    [(started, ended)] = con.execute(
        "select start_date, end_date from landing.airflow_db__dag_run "
        "where cluster = ? and dag_id = ? and run_id = ?", [answer[k] for k in RUN]).fetchall()
    observed = CLUSTERS[answer["cluster"]].replace(tzinfo=None)
    ended = ended or observed
    total = sum(all_terms(answer["terms"], observed).values())
    expected = (ended - (started or ended)).total_seconds()
    assert total == pytest.approx(expected, abs=1e-6), name_of(answer)


# --- the marts ---------------------------------------------------------------------------------

@pytest.mark.parametrize("answer", PATHS, ids=name_of)
def test_the_steps_are_those_that_a_person_finds(
    con: duckdb.DuckDBPyConnection, answer: Answer
) -> None:
    for path_kind in ("finish", "failure"):
        expected = answer.get(path_kind, [])
        steps = steps_of(con, answer, path_kind)
        found = [task_of(step) for step in steps]
        assert found == expected, told(answer, f"{path_kind} path", expected, found)
        assert [step["step_number"] for step in steps] == list(range(1, len(steps) + 1))


@pytest.mark.parametrize(
    "answer", [a for a in PATHS if "terms" in a or "among_terms" in a], ids=name_of)
def test_the_terms_of_the_run_are_the_arithmetic(
    con: duckdb.DuckDBPyConnection, answer: Answer
) -> None:
    run, observed = run_of(con, answer), CLUSTERS[answer["cluster"]]
    stated = answer.get("terms", answer.get("among_terms"))
    expected = all_terms(stated, observed)
    for term in TERMS if "terms" in answer else stated:
        check_seconds(answer, term, expected[term], run[f"{term}_seconds"])
    if "dominates" in answer:
        largest = max(TERMS, key=lambda term: run[f"{term}_seconds"])
        assert largest == answer["dominates"], told(
            answer, "largest term", answer["dominates"], largest)


@pytest.mark.parametrize(
    "answer", [a for a in PATHS if "failure_terms" in a], ids=name_of)
def test_the_terms_of_the_failure_path_are_the_arithmetic(
    con: duckdb.DuckDBPyConnection, answer: Answer
) -> None:
    steps = steps_of(con, answer, "failure")
    expected = all_terms(answer["failure_terms"], CLUSTERS[answer["cluster"]])
    expected["handoff"] += expected.pop("lead")     # the first step's own wait
    expected.pop("tail")                            # of no step
    for term, value in expected.items():
        found = sum(step[f"{term}_seconds"] for step in steps)
        check_seconds(answer, f"{term} of the failure path", value, found)


@pytest.mark.parametrize(
    "answer", [a for a in PATHS if "steps" in a or "was_rerun" in a], ids=name_of)
def test_what_a_step_says_of_itself(con: duckdb.DuckDBPyConnection, answer: Answer) -> None:
    steps = {task_of(step): step for step in steps_of(con, answer, "finish")}
    for task, claims in answer.get("steps", {}).items():
        assert task in steps, told(answer, "steps", task, sorted(steps))
        for name, claim in claims.items():
            if name.endswith("_wait"):
                expected = seconds(claim, CLUSTERS[answer["cluster"]])
                check_seconds(answer, f"{name} of {task}", expected, steps[task][f"{name}_seconds"])
            else:
                found = steps[task][name]
                assert found == claim, told(answer, f"{name} of {task}", claim, found)
    if "was_rerun" in answer:
        found = run_of(con, answer)["was_rerun"]
        assert found is answer["was_rerun"], told(answer, "was_rerun", answer["was_rerun"], found)


ORDER = {
    "fct_task_attempts": "run_id, task_id, map_index, try_number",
    "fct_task_instances": "run_id, task_id, map_index",
    "fct_dag_runs": "run_id",
    "fct_task_edges": "upstream_task_id",
}


@pytest.mark.parametrize("answer", FACTS, ids=name_of)
def test_the_rows_of_a_mart_are_those_that_a_person_finds(
    con: duckdb.DuckDBPyConnection, answer: Answer
) -> None:
    found = rows(con, answer["mart"], answer["of"], ORDER[answer["mart"]])
    expected = answer["rows"]
    brief = [{name: row[name] for name in (expected[0] if expected else ("run_id", "task_id"))}
             for row in found]
    assert len(found) == len(expected), told(answer, answer["mart"], expected, brief)
    for row, claims in zip(found, expected, strict=True):
        for name, claim in claims.items():
            if name.endswith("_seconds") and claim is not None:
                value = seconds(claim, CLUSTERS[answer["of"]["cluster"]])
                check_seconds(answer, f"{name} of {claims}", value, row[name])
            else:
                value = str(row[name]) if name.endswith("_at") and claim else row[name]
                assert value == claim, told(answer, f"{name} in {brief}", claim, value)
