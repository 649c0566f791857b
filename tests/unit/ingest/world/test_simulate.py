"""Days of a company: any day, in any order, always the same; and no effect before its cause."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.world.company import Company, company
from ingest.world.due import midnight
from ingest.world.rows import RUN_KEYS
from ingest.world.simulate import Day, simulate

INSTANCE = [*RUN_KEYS, "task_id", "map_index"]


@pytest.fixture(scope="module")
def tiny() -> tuple[Company, list[Day]]:
    made = company("tiny", seed=11)
    begin = made.began_at.date()
    return made, [simulate(made, begin + timedelta(days=n)) for n in range(21)]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 40))
def test_a_day_is_a_function_of_company_and_date(number: int) -> None:
    day = company("tiny", seed=2).began_at.date() + timedelta(days=number)
    one, other = (simulate(company("tiny", seed=2), day) for _ in range(2))
    for name in ("runs", "attempts", "causes", "events"):
        assert getattr(one, name).equals(getattr(other, name)), name
    assert not simulate(company("tiny", seed=3), day).attempts.equals(one.attempts)


def test_keys_are_unique_over_all_days(tiny: tuple[Company, list[Day]]) -> None:
    runs = pl.concat([day.runs for day in tiny[1]])
    attempts = pl.concat([day.attempts for day in tiny[1]])
    assert not runs.select(RUN_KEYS).is_duplicated().any()
    assert not attempts.select(*INSTANCE, "try_number").is_duplicated().any()
    assert attempts.join(runs, on=RUN_KEYS, how="anti").is_empty()
    assert attempts.filter("is_last").height == attempts.select(INSTANCE).n_unique()


def test_time_goes_forward(tiny: tuple[Company, list[Day]]) -> None:
    runs = pl.concat([day.runs for day in tiny[1]])
    assert runs.select((pl.col("run_after_at") <= pl.col("queued_at")).all()
                       & (pl.col("queued_at") < pl.col("started_at")).all()).item()
    attempts = pl.concat([day.attempts for day in tiny[1]])
    ran = attempts.filter(pl.col("started_at").is_not_null())
    assert ran.select((pl.col("ready_at") < pl.col("scheduled_at")).all()
                      & (pl.col("scheduled_at") < pl.col("queued_at")).all()
                      & (pl.col("queued_at") < pl.col("started_at")).all()
                      & (pl.col("started_at") < pl.col("ended_at")).all()).item()
    never = attempts.filter(pl.col("started_at").is_null())
    assert set(never["state"]) <= {"skipped", "upstream_failed"}
    assert never["decided_at"].null_count() == never["scheduled_at"].null_count() - never.height
    assert (never["try_number"] == 0).all()


def test_runs_are_named_as_their_release_names_them(tiny: tuple[Company, list[Day]]) -> None:
    runs = pl.concat([day.runs for day in tiny[1]])
    scheduled = runs.filter(pl.col("run_type") == "scheduled")
    text = pl.format("scheduled__{}+00:00", pl.col("logical_at").dt.strftime("%Y-%m-%dT%H:%M:%S"))
    assert scheduled.select((pl.col("run_id") == text).all()).item()
    three = pl.col("cluster") == "stories"
    assert scheduled.filter(three).select(
        (pl.col("logical_at") == pl.col("run_after_at")).all()).item()
    assert scheduled.filter(~three).select(
        (pl.col("interval_end_at") == pl.col("run_after_at")).all()
        & (pl.col("logical_at") < pl.col("run_after_at")).all()).item()
    assets = runs.filter(pl.col("run_type").is_in(["asset_triggered", "dataset_triggered"]))
    assert assets.filter(three)["run_id"].str.contains(r"\+00:00_\w{8}$").all()
    assert assets.filter(three)["logical_at"].is_null().all()
    assert set(assets.filter(three)["run_type"]) == {"asset_triggered"}


def test_causes_come_before_effects(tiny: tuple[Company, list[Day]]) -> None:
    causes = pl.concat([day.causes for day in tiny[1]])
    runs = pl.concat([day.runs for day in tiny[1]])
    attempts = pl.concat([day.attempts for day in tiny[1]]).filter("is_last")
    made = causes.filter(pl.col("kind") != "sensor").join(runs, on=RUN_KEYS)
    assert made.height == causes.filter(pl.col("kind") != "sensor").height > 20
    assert made.select((pl.col("at") <= pl.col("queued_at")).all()).item()
    waits = causes.filter(pl.col("kind") == "sensor").join(attempts, on=[*RUN_KEYS, "task_id"])
    assert waits.select((pl.col("at") < pl.col("ended_at")).all()).item()
    assert waits["state"].unique().to_list() == ["success"]
    names = {"dag_id": "upstream_dag_id", "run_id": "upstream_run_id",
             "task_id": "upstream_task_id"}
    ends = attempts.select("cluster", pl.col("dag_id").alias(names["dag_id"]),
                           pl.col("run_id").alias(names["run_id"]),
                           pl.col("task_id").alias(names["task_id"]),
                           pl.col("started_at").alias("cause_started_at"),
                           pl.col("ended_at").alias("cause_ended_at"), "state")
    by = causes.filter(pl.col("upstream_task_id").is_not_null()).join(
        ends, on=["cluster", *names.values()])
    assert by["state"].unique().to_list() == ["success"]
    assert by.filter(pl.col("kind") != "trigger").select(
        (pl.col("at") == pl.col("cause_ended_at")).all()).item()
    assert by.filter(pl.col("kind") == "trigger").select(
        pl.col("at").is_between("cause_started_at", "cause_ended_at").all()).item()


def test_a_crowd_is_gone_before_the_next_day(tiny: tuple[Company, list[Day]]) -> None:
    made, days = tiny
    exact = made.rhythms.filter("is_exact").select("cluster", "dag_id")
    for day in days:
        runs = day.runs.join(exact, on=["cluster", "dag_id"], how="semi")
        last = runs["ended_at"].dt.epoch("us").max()
        assert last < midnight(day.date + timedelta(days=1))  # type: ignore[operator]


def test_limits_that_are_meant_to_be_roomy_are(tiny: tuple[Company, list[Day]]) -> None:
    made, days = tiny
    attempts = pl.concat([day.attempts for day in days]).filter(pl.col("queued_at").is_not_null())
    runs = pl.concat([day.runs for day in days]).filter(pl.col("ended_at").is_not_null())
    for rows, begin, limit in ((attempts, "queued_at", "max_active_tasks"),
                               (runs, "started_at", "max_active_runs")):
        marks = pl.concat([rows.select("cluster", "dag_id", pl.col(at).alias("at"),
                                       pl.lit(n).alias("n"))
                           for at, n in ((begin, 1), ("ended_at", -1))])
        most = marks.sort("at", "n").with_columns(
            pl.col("n").cum_sum().over("cluster", "dag_id").alias("used")).group_by(
            "cluster", "dag_id").agg(pl.col("used").max()).join(made.dags, on=["cluster", "dag_id"])
        assert most.filter(pl.col("used") > pl.col(limit)).is_empty()


def test_dags_that_do_not_run_have_no_runs(tiny: tuple[Company, list[Day]]) -> None:
    made, days = tiny
    runs = pl.concat([day.runs for day in days])
    facts = made.planted["unscheduled"].join(
        runs.filter(pl.col("run_type") == "scheduled"), on=["cluster", "dag_id"], how="left")
    late = facts.filter(pl.col("run_after_at") > pl.col("since_at"))
    assert late.is_empty()
    since = facts.group_by("reason_code").agg(pl.col("run_id").count().alias("n"))
    counts = dict(since.iter_rows())
    assert counts["start_date_in_future"] == counts["waiting_for_assets"] == 0
    assert counts["no_schedule"] == 0
    assert min(counts[c] for c in ("paused", "import_error", "dag_file_gone", "stuck_run",
                                   "dag_end_date_passed")) > 5
    stuck = runs.filter(pl.col("ended_at").is_null())
    assert stuck["dag_id"].to_list() == ["stock_level_sync_daily"]
    assert stuck["state"].to_list() == ["running"]
    paused = pl.concat([day.events for day in days]).filter(pl.col("event") == "paused")
    assert paused["dag_id"].to_list() == ["referral_bonus_daily"]


def test_versions_are_those_of_the_day(tiny: tuple[Company, list[Day]]) -> None:
    made, days = tiny
    runs = pl.concat([day.runs for day in days]).join(
        made.versions, on=["cluster", "dag_id"], suffix="_all")
    old = runs.filter(pl.col("created_at") <= pl.col("run_after_at")).group_by(RUN_KEYS).agg(
        pl.col("version_number").first(), pl.col("version_number_all").max().alias("newest"))
    assert (old["version_number"] == old["newest"]).all()
    assert (old["version_number"] > 1).any()


def test_times_grow_with_trend_and_end_of_month() -> None:
    made = company("tiny", seed=1)
    rows = []
    for number in (0, 20):
        attempts = simulate(made, made.began_at.date() + timedelta(days=number)).attempts
        mine = attempts.filter((pl.col("dag_id") == "comment_tree_rebuild_daily")
                               & (pl.col("task_id") == "transform_tree"))
        rows.append((mine["ended_at"] - mine["started_at"]).dt.total_seconds()[0])
    assert np.log(rows[1] / rows[0]) == pytest.approx(20 * np.log(1.03), abs=0.35)
