"""The answer key against a second route to the same thing."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.world.answers import answers
from ingest.world.company import Company, company
from ingest.world.errors import ERRORS
from ingest.world.rows import RUN_KEYS
from ingest.world.simulate import Day, simulate
from tests.unit.ingest.world.companies import DAY, some_company
from windsock.critical_path import Attempt, Instance, Run, Task, microseconds, observed_path

NUMBERS = st.integers(0, 2**32)
TERMS = ("lead_seconds", "handoff_seconds", "running_seconds", "retry_wait_seconds",
         "external_wait_seconds", "tail_seconds")


@pytest.fixture(scope="module")
def tiny() -> tuple[Company, list[Day], dict[str, pl.DataFrame]]:
    made = company("tiny", seed=3)
    begin = made.began_at.date()
    days = [simulate(made, begin + timedelta(days=n))
            for n in range((made.ends_at.date() - begin).days + 1)]
    return made, days, answers(made, days)


def twins(made: Company, day: Day) -> dict[tuple[str, ...], Run]:
    """The runs of a day as Windsock's own twin of the critical path takes them."""
    structures: dict[tuple[str, str, int], dict[str, Task]] = defaultdict(dict)
    columns = ("cluster", "dag_id", "version_number", "task_id", "upstream_task_ids",
               "trigger_rule", "is_sensor")
    sensors = set()
    for *key, task_id, ups, rule, is_sensor in made.tasks.select(columns).iter_rows():
        tasks = structures[tuple(key)]
        depth = max((tasks[u].depth + 1 for u in ups), default=0)
        tasks[task_id] = Task(task_id, tuple(ups), rule, depth)
        sensors |= {(*key, task_id)} if is_sensor else set()
    tries = defaultdict(list)
    for row in day.attempts.iter_rows(named=True):
        tries[tuple(row[c] for c in RUN_KEYS)].append(row)
    found = {}
    for run in day.runs.filter(pl.col("ended_at").is_not_null()).iter_rows(named=True):
        key = tuple(run[c] for c in RUN_KEYS)
        version = (*key[:2], run["version_number"])
        by_instance = defaultdict(list)
        for row in tries[key]:
            by_instance[row["task_id"], row["map_index"]].append(row)
        instances = tuple(_instance(rows, (*version, name) in sensors)
                          for (name, _), rows in by_instance.items())
        found[key] = Run(run["state"], microseconds(run["started_at"]),
                         microseconds(run["ended_at"]), microseconds(run["ended_at"]), instances,
                         {"": structures[version]})
    return found


def _instance(rows: list[dict], is_sensor: bool) -> Instance:  # type: ignore[type-arg]
    last = rows[-1]
    attempts = tuple(Attempt(microseconds(r["started_at"]), microseconds(r["ended_at"]),
                             r["state"]) for r in rows if r["started_at"])
    return Instance(last["task_id"], last["map_index"], last["state"],
                    microseconds(last["ended_at"] or last["decided_at"]), attempts,
                    is_external=is_sensor)


def compare(made: Company, day: Day, key: dict[str, pl.DataFrame]) -> int:
    """Every path of a day as the twin sees it; how many steps there were."""
    steps = defaultdict(list)
    for row in key["critical_path"].iter_rows(named=True):
        steps[(*(row[c] for c in RUN_KEYS), row["path_kind"])].append(row)
    terms = {row[:3]: dict(zip(key["run_terms"].columns[3:], row[3:], strict=True))
             for row in key["run_terms"].iter_rows()}
    count = 0
    for run_key, run in twins(made, day).items():
        for kind in ("finish", "failure"):
            path = observed_path(run, kind)  # type: ignore[arg-type]
            mine = steps[(*run_key, kind)]
            theirs = [] if path is None else path.steps
            assert [(s["step_number"], s["task_id"], s["map_index"]) for s in mine] == [
                (s.number, s.task_id, s.map_index) for s in theirs]
            for s, t in zip(mine, theirs, strict=True):
                assert [s[f"{n}_seconds"] for n in ("handoff", "running", "retry_wait",
                                                    "external_wait")] == pytest.approx(
                    [n / 1e6 for n in (t.terms.handoff, t.terms.running, t.terms.retry_wait,
                                       t.terms.external_wait)], abs=1e-6)
            count += len(mine)
        finish = observed_path(run, "finish")
        assert finish is not None
        expected = finish.seconds()
        assert [terms[run_key][n] for n in TERMS] == pytest.approx(
            [expected[n] for n in TERMS], abs=1e-5)
    return count


@settings(max_examples=25, deadline=None)
@given(NUMBERS, st.booleans())
def test_planted_paths_are_those_of_the_rules(number: int, exact: bool) -> None:
    # Who skipped a task is not recorded. Where one upstream skips itself while another one runs,
    # docs/critical_path.md takes the latter for the branch: such runs have no answer by the rules.
    made = some_company(number, exact=exact, skips=False)
    day = simulate(made, DAY)
    compare(made, day, answers(made, [day]))


def test_paths_of_a_whole_company(tiny: tuple[Company, list[Day], dict[str, pl.DataFrame]]) -> None:
    made, days, _ = tiny
    assert sum(compare(made, day, answers(made, [day])) for day in days[-3:]) > 1_000


def test_terms_tile_every_run(tiny: tuple[Company, list[Day], dict[str, pl.DataFrame]]) -> None:
    terms = tiny[2]["run_terms"]
    assert terms.select(pl.col(TERMS).min()).row(0) >= (0.0,) * len(TERMS)
    off = (terms["duration_seconds"] - terms.select(pl.sum_horizontal(TERMS)).to_series()).abs()
    assert off.max() < 1e-3
    assert terms["tail_seconds"].min() > 0


def test_an_incident_fails_tasks_of_many_owners(
        tiny: tuple[Company, list[Day], dict[str, pl.DataFrame]]) -> None:
    made, days, key = tiny
    hit = key["incidents"].join(made.dags, on=["cluster", "dag_id"])
    assert hit["incident_id"].unique().sort().to_list() == ["INC-0001", "INC-0002"]
    for rows in hit.partition_by("incident_id"):
        assert rows["dag_id"].n_unique() >= 3
        assert rows["owner"].n_unique() >= 2
    attempts = pl.concat([day.attempts for day in days])
    tried = attempts.join(key["incidents"], on=[*RUN_KEYS, "task_id", "map_index", "try_number"],
                          how="semi")
    assert tried["state"].unique().to_list() == ["failed"]
    assert tried["error_kind"].unique().to_list() == ["warehouse_unreachable"]


def test_what_is_planted_can_be_seen(
        tiny: tuple[Company, list[Day], dict[str, pl.DataFrame]]) -> None:
    _, _, key = tiny
    usage = key["attempt_usage"]
    for plant in key["slowdowns"].filter(pl.col("cause") == "deployment").iter_rows(named=True):
        mine = usage.filter((pl.col("dag_id") == plant["dag_id"])
                            & (pl.col("task_id") == plant["task_id"]))
        is_new = pl.col("started_at") >= plant["from_at"]
        before, after = (mine.filter(c)["duration_seconds"].median() for c in (~is_new, is_new))
        assert after / before == pytest.approx(plant["factor"], rel=0.25)  # type: ignore[operator]
    odd = key["anomalies"].join(usage, on=[*RUN_KEYS, "task_id"])
    assert odd.height == 2
    assert odd["duration_seconds"].min() > 600  # type: ignore[operator]
    assert "oom_killed" in set(key["errors"]["error_kind"])
    big = key["right_sizing"].join(usage, on=["cluster", "dag_id", "task_id"])
    assert big["peak_memory_bytes"].max() < 600 * 1024**2  # type: ignore[operator]
    flaky = key["flaky"].join(usage, on=["cluster", "dag_id", "task_id"])
    assert flaky.filter((pl.col("try_number") == 3) & (pl.col("state") == "success")).height > 5
    assert {"pool:warehouse_small"} < set(key["pool_waits"]["limit_name"])
    assert key["run_waits"]["run_queued_seconds"].max() > 300  # type: ignore[operator]
    assert key["run_waits"]["created_late_seconds"].max() > 300  # type: ignore[operator]
    assert set(key["links"]["kind"]) == {"asset", "trigger", "sensor"}


def test_every_failed_try_has_a_reason(
        tiny: tuple[Company, list[Day], dict[str, pl.DataFrame]]) -> None:
    _, days, key = tiny
    failed = pl.concat([d.attempts for d in days]).filter(pl.col("state") == "failed")
    assert failed.height == key["errors"].height > 50
    assert set(key["errors"]["error_kind"]) <= set(ERRORS)
    assert key["errors"]["category"].null_count() == 0


def test_a_day_on_which_nothing_is_due_looks_like_any_other() -> None:
    made = some_company(4)
    late = pl.lit(made.ends_at + timedelta(days=90)).alias("runs_from_at")
    empty_made = replace(made, rhythms=made.rhythms.with_columns(late))
    empty, full = simulate(empty_made, DAY), simulate(made, DAY)
    assert empty.runs.is_empty()
    for name in ("runs", "attempts", "causes", "events"):
        assert getattr(empty, name).schema == getattr(full, name).schema
    key = answers(empty_made, [empty])
    for name, frame in answers(made, [full]).items():
        assert key[name].schema == frame.schema, name
