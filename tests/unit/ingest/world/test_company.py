"""What a company consists of: the same each time, named once, within what Airflow allows."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.world.company import Company, company, sort_tasks
from ingest.world.drafts import TaskDraft
from ingest.world.errors import ERRORS
from ingest.world.frames import weights_of
from ingest.world.linked import waves
from ingest.world.names import ODD_DAG_IDS
from ingest.world.ordinary import counts_of
from ingest.world.roles import ROLES, dress
from ingest.world.shapes import FAMILIES, family_of, shape
from ingest.world.sizes import SIZES, size

KEYS = ["cluster", "dag_id"]
FRAMES = ("clusters", "pools", "dags", "versions", "tasks", "habits", "rhythms")


@pytest.fixture(scope="module")
def demo() -> Company:
    return company("demo", seed=5)


def test_the_same_numbers_give_the_same_company(demo: Company) -> None:
    again, other = company("demo", seed=5), company("demo", seed=6)
    for name in FRAMES:
        assert getattr(again, name).equals(getattr(demo, name)), name
    assert all(again.planted[n].equals(f) for n, f in demo.planted.items())
    assert not other.dags.equals(demo.dags)


def test_it_counts_back_from_its_end() -> None:
    end = datetime(2031, 5, 17, 9, 30, tzinfo=UTC)
    made = company("tiny", ends_at=end)
    assert made.ends_at == end
    assert made.began_at == datetime(2031, 4, 27, tzinfo=UTC)
    windows = made.planted["incident_windows"]
    assert [d.days for d in end - windows["from_at"]] == [12, 2]


def test_names_are_unique_and_some_are_odd(demo: Company) -> None:
    assert not demo.dags.select(KEYS).is_duplicated().any()
    assert not demo.tasks.select(*KEYS, "version_number", "task_id").is_duplicated().any()
    assert demo.dags["dag_id"].str.len_chars().max() <= 250  # type: ignore[operator]
    assert demo.tasks["task_id"].str.len_chars().max() <= 250  # type: ignore[operator]
    assert demo.tasks["task_id"].str.contains(r"^[\w.-]+$").all()
    assert demo.dags["dag_id"].str.contains(r"^[\w.-]+$").all()
    assert set(ODD_DAG_IDS) <= set(demo.dags["dag_id"])


def test_every_dag_has_its_versions_tasks_and_owner(demo: Company) -> None:
    counts = demo.dags.join(demo.versions, on=KEYS, how="left").group_by(KEYS).agg(
        pl.col("version_number").sort(), pl.col("created_at").is_sorted().all())
    for row in counts.iter_rows(named=True):
        assert row["version_number"] == list(range(1, len(row["version_number"]) + 1))
    assert demo.versions.join(demo.tasks, on=[*KEYS, "version_number"], how="anti").is_empty()
    assert demo.habits.select(*KEYS, "task_id").equals(demo.tasks.select(*KEYS, "task_id"))
    assert demo.rhythms.select(KEYS).equals(demo.dags.select(KEYS))
    tag = pl.format("team:{}", "team")
    assert demo.dags.select(pl.col("tags").list.contains(tag).all()).item()
    assert demo.dags["owner"].n_unique() > 8
    assert demo.dags["tier"].is_between(1, 3).all()


def test_dags_meet_a_limit_on_purpose_only(demo: Company) -> None:
    tight = demo.dags.filter(pl.col("max_active_tasks") < 16)
    assert set(tight["scenario"]) == {"max_active_tasks"}
    pools = demo.tasks.filter(pl.col("pool") != "default_pool").join(demo.rhythms, on=KEYS)
    assert pools["is_exact"].all()
    # All users of a pool are simulated together: in the first wave.
    assert pools["wave"].unique().to_list() == [0]


def test_each_kind_of_dag_that_does_not_run_is_there(demo: Company) -> None:
    found = demo.planted["unscheduled"].join(demo.dags, on=KEYS)
    assert set(found["reason_code"]) == {
        "paused", "no_schedule", "start_date_in_future", "dag_end_date_passed", "import_error",
        "dag_file_gone", "stuck_run", "waiting_for_assets"}
    assert found.filter("is_expected")["reason_code"].to_list() == ["no_schedule"]
    assert found.filter("is_paused")["reason_code"].to_list() == ["paused"]
    broken = found.filter(pl.col("import_error").is_not_null())
    assert broken["reason_code"].to_list() == ["import_error"]


@pytest.mark.parametrize("name", SIZES)
def test_rhythms_add_up_to_a_size(name: str) -> None:
    big = size(name)
    counts = counts_of(big.dags, big.runs_per_day)
    assert sum(counts.values()) == big.dags
    assert min(counts.values()) > 0
    with pytest.raises(ValueError, match="there are tiny, demo, medium, pinterest"):
        size("huge")


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(FAMILIES)), st.integers(1, 120), st.integers(0, 99))
def test_shapes_are_graphs_of_about_the_size_that_was_asked_for(
        family: str, count: int, seed: int) -> None:
    nodes = shape(np.random.default_rng(seed), family, count)
    names = [n.task_id for n in nodes]
    assert len(set(names)) == len(names)
    for place, node in enumerate(nodes):
        assert set(node.upstreams) <= set(names[:place])
        branches = [n.task_id for n in nodes if n.role == "branch"]
        assert not set(branches) & set(node.upstreams) or len(node.upstreams) == 1
    if family != "mapped" and count >= 12:
        assert 0.7 * count <= len(nodes) <= 1.3 * count


def test_tasks_of_every_role_fail_in_known_ways() -> None:
    rng = np.random.default_rng(1)
    assert {kind for role in ROLES.values() for kind in role.error_kinds} <= set(ERRORS)
    for family in FAMILIES:
        for node in shape(rng, family, 12):
            assert dress(rng, node).failure_ratio <= 0.05
    assert family_of(rng, 2) == "chain"


def test_sorting_refuses_a_circle() -> None:
    tasks = [TaskDraft("b", ("a",), "PythonOperator", "light"),
             TaskDraft("a", (), "PythonOperator", "light")]
    assert [t.task_id for t in sort_tasks(tasks)] == ["a", "b"]
    tasks[1].upstreams = ("b",)
    with pytest.raises(ValueError, match=r"never become ready: \['b', 'a'\]"):
        sort_tasks(tasks)


def test_weights_count_what_comes_after() -> None:
    edges = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    tasks = [TaskDraft(n, ups, "PythonOperator", "light") for n, ups in edges.items()]
    assert weights_of(tasks) == {"a": 4, "b": 2, "c": 2, "d": 1}


def test_waves_come_after_what_they_wait_for(demo: Company) -> None:
    wave = {row[:2]: row[2] for row in demo.rhythms.select(*KEYS, "wave").iter_rows()}
    for cluster, dag, external, triggered in demo.tasks.select(
            *KEYS, "external_dag_id", "trigger_dag_id").iter_rows():
        assert external is None or wave[cluster, external] < wave[cluster, dag]
        assert triggered is None or wave[cluster, triggered] > wave[cluster, dag]
    assert waves([]) == {}


def test_errors_read_like_logs() -> None:
    assert len(ERRORS) >= 15
    facts = {"dag_id": "orders", "task_id": "load", "number": 417}
    for kind, body in ERRORS.items():
        text = body.render(facts)
        assert text.strip()
        assert "{number}" not in text
        assert "{task_id}" not in text
        if body.exception_class:
            assert body.exception_class in text, kind
    categories = {body.category for body in ERRORS.values()}
    assert categories <= {"data", "code", "infrastructure", "dependency", "access_or_secret",
                          "timeout", "user_action", "unknown"}
    assert len(categories) >= 6
