"""Runs of a made-up company in the marts against its key, row for row and in both directions.

    tests/company_warehouse.py: company  ->  Airflow databases  ->  landing  ->  marts  =?=  key

The key is what the simulation knows. What is planted, and what DAGs are: test_company_planted.py.
"""

import polars as pl
import pytest

from tests.company_warehouse import (
    DAG,
    NOW,
    RUN,
    TASK,
    TRY,
    Told,
    agree,
    has_been,
    so_far,
    told,
)

__all__ = ["told"]      # a fixture


# --- runs and their tries ------------------------------------------------------------------------

def test_every_run_is_there_with_its_state_dates_and_waits(told: Told) -> None:
    waits = pl.col("run_type") == "scheduled"       # no other run is due at an instant
    late = (pl.col("queued_at") - pl.col("run_after_at")).dt.total_microseconds() / 1e6
    queued = (pl.col("started_at") - pl.col("queued_at")).dt.total_microseconds() / 1e6
    key = told.runs.select(
        *RUN, pl.col("run_type").str.replace(".*_triggered", "asset").alias("run_kind"), "state",
        "logical_at", "queued_at", "started_at", "ended_at",
        pl.when(waits).then(late).alias("created_late_seconds"),
        queued.alias("run_queued_seconds"))
    mart = told.mart("""
        select * replace (if(run_kind = 'scheduled', created_late_seconds, null)
                          as created_late_seconds)
        from fct_dag_runs""")
    agree(key, mart, on=RUN, least=3_000)
    assert set(told.runs["state"]) >= {"success", "failed", "running"}


def test_every_try_is_there_with_its_state_and_dates(told: Told) -> None:
    is_3 = pl.col("cluster") == "stories"           # before, no release records scheduled_at
    is_open = ~has_been("ended_at")
    tries = told.attempts.filter((pl.col("try_number") > 0) & has_been("started_at"))
    outcome = (pl.when(is_open).then(pl.lit("open")).when(pl.col("state") != "failed").then("state")
               .when("is_last").then(pl.lit("failed")).otherwise(pl.lit("retried")))
    seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    key = tries.select(
        *TRY, pl.when(is_open).then(pl.lit("running")).otherwise("state").alias("state"),
        outcome.alias("outcome"), "operator", "pool", "queue",
        pl.col("hostname").replace("", None).alias("host_name"),
        pl.when(is_3).then("scheduled_at").alias("scheduled_at"), "queued_at", "started_at",
        so_far("ended_at"), pl.when(~is_open).then(seconds).alias("duration_seconds"))
    agree(key, told.mart("select * from fct_task_attempts"), on=TRY, least=15_000)
    assert set(key["outcome"]) == {"success", "failed", "retried", "open"}
    assert told.mart("select 1 from fct_task_attempts where was_lost").is_empty()


def test_every_instance_of_an_ended_run_is_there_also_what_never_ran(told: Told) -> None:
    path = told.key("critical_path").filter(pl.col("path_kind") == "finish").select(
        *TASK, pl.lit(value=True).alias("is_on_critical_path"))
    key = told.of_ended(told.attempts.filter("is_last")).join(path, on=TASK, how="left").select(
        *TASK, "state", pl.col("try_number").alias("try_count"),
        (pl.col("try_number") > 0).alias("has_run"),
        pl.col("is_on_critical_path").fill_null(value=False))
    mart = told.mart("""
        select instances.* from fct_task_instances as instances
        semi join (from fct_dag_runs where ended_at is not null) using (cluster, dag_id, run_id)""")
    agree(key, mart, on=TASK, least=15_000)
    assert set(key["state"]) == {"success", "failed", "skipped", "upstream_failed"}


# --- critical paths and waits --------------------------------------------------------------------

def test_the_wall_clock_of_every_ended_run_is_made_of_the_same_terms(told: Told) -> None:
    mart = told.mart("select * from fct_dag_runs where ended_at is not null")
    agree(told.key("run_terms"), mart, on=RUN, least=3_000)
    odd = mart.filter((pl.col("deferred_seconds") != 0) | pl.any_horizontal(
        "was_rerun", "has_missing_tries", "has_clock_skew", "has_lost_tasks"))
    assert odd.is_empty(), odd.row(0, named=True)


@pytest.mark.parametrize("path_kind", ["finish", "failure"])
def test_every_step_of_every_path_is_the_true_one(told: Told, path_kind: str) -> None:
    on = [*RUN, "path_kind", "step_number"]
    key = told.key("critical_path").filter(pl.col("path_kind") == path_kind).select(
        *on, "task_id", "map_index", "handoff_seconds", "running_seconds", "retry_wait_seconds",
        "external_wait_seconds")
    agree(key, steps_of_ended(told, path_kind), on=on, least=100)


@pytest.mark.parametrize("path_kind", ["finish", "failure"])
def test_every_wait_of_a_step_is_charged_to_the_limit_that_was_full(
    told: Told, path_kind: str
) -> None:
    """`startup` as well: what is left of a step's wait is the scheduler's."""
    first = pl.col("try_number") == 1
    waits = told.key("pool_waits").filter(first).select(
        *TASK, pl.col("limit_name").alias("limited_by"), pl.col("seconds").alias(
            "limit_wait_seconds"))
    assert not waits.select(TASK).is_duplicated().any(), "two limits: whose is the wait?"
    startup = told.attempts.filter(first).select(*TASK, ((
        pl.col("started_at") - pl.col("queued_at")).dt.total_microseconds() / 1e6)
        .fill_null(0.0).alias("startup_wait_seconds"))
    steps = told.key("critical_path").filter(pl.col("path_kind") == path_kind).select(TASK)
    key = steps.join(startup, on=TASK, how="left").join(waits, on=TASK, how="left").with_columns(
        pl.col("limit_wait_seconds").fill_null(0.0))
    agree(key, steps_of_ended(told, path_kind), on=TASK, least=100)
    if path_kind == "finish":
        kinds = key["limited_by"].drop_nulls().str.split(":").list.first()
        assert set(kinds) == {"pool", "max_active_tasks"}


def steps_of_ended(told: Told, path_kind: str) -> pl.DataFrame:
    return told.mart(f"""
        select steps.* from fct_critical_path_steps as steps
        semi join (from fct_dag_runs where ended_at is not null) using (cluster, dag_id, run_id)
        where path_kind = '{path_kind}'""")


def test_seconds_lost_to_limits_add_up_by_limit_dag_and_day(told: Told) -> None:
    """Of the days before the last: on that one runs are under way."""
    on = ["cluster", "limit", "dag_id", "wait_date"]
    ready = told.attempts.filter(pl.col("try_number") == 1).select(
        *TASK, pl.col("ready_at").dt.date().alias("wait_date"))
    steps = told.key("critical_path").select(TASK).unique()
    key = told.key("pool_waits").filter(pl.col("try_number") == 1).join(
        steps, on=TASK, how="semi").join(ready, on=TASK).filter(
        pl.col("wait_date") < NOW.date()).group_by(
        "cluster", pl.col("limit_name").alias("limit"), "dag_id", "wait_date").agg(
        pl.col("seconds").sum().alias("wait_seconds"), pl.len().alias("instance_count"),
        pl.col("run_id").n_unique().alias("run_count"))
    mart = told.mart(f"""
        select *, limit_kind || ':' || limit_name as "limit" from agg_daily_limit_waits
        where wait_date < '{NOW.date()}'""")
    agree(key, mart, on=on, least=50)


# --- links ---------------------------------------------------------------------------------------

def test_every_run_and_sensor_is_linked_to_what_let_it_go(told: Told) -> None:
    on = [*RUN, "link_kind", "task_id", "upstream_dag_id"]
    causes = told.key("links").rename({"kind": "link_kind", "at": "external_ended_at"})
    key = pl.concat([causes.filter(pl.col("link_kind") != "asset"), updates(told)],
                    how="diagonal").select(*on, "upstream_run_id", "external_ended_at")
    links = links_of_ended(told).filter(pl.col("wait_state").fill_null("success") == "success")
    agree(key, links, on=on, least=100)
    assert set(key["link_kind"]) == {"sensor", "trigger", "asset"}


def test_every_sensor_that_gave_up_is_linked_to_the_run_it_waited_for(told: Told) -> None:
    """That of the other DAG which was due at the same time."""
    waits = told.company.tasks.filter(pl.col("external_dag_id").is_not_null()).select(
        *DAG, "version_number", "task_id", pl.col("external_dag_id").alias("upstream_dag_id"))
    lost = told.of_ended(told.attempts.filter("is_last", pl.col("state") == "failed")).join(
        waits, on=[*DAG, "version_number", "task_id"]).join(
        told.runs.select(*RUN, "run_after_at"), on=RUN)
    others = told.runs.filter(pl.col("run_type") == "scheduled").select(
        "cluster", pl.col("dag_id").alias("upstream_dag_id"), "run_after_at",
        pl.col("run_id").alias("upstream_run_id"))
    key = lost.join(others, on=["cluster", "upstream_dag_id", "run_after_at"], how="left").select(
        *RUN, "task_id", "upstream_dag_id", "upstream_run_id")
    mart = links_of_ended(told).filter(pl.col("wait_state") == "failed")
    agree(key, mart, on=[*RUN, "task_id"])


def links_of_ended(told: Told) -> pl.DataFrame:
    return told.mart("""
        select links.* from fct_run_links as links
        semi join (from fct_dag_runs where ended_at is not null) using (cluster, dag_id, run_id)""")


def updates(told: Told) -> pl.DataFrame:
    """Of each asset of a run that assets started the newest update, by the tries that made them."""
    outlets = told.company.tasks.select(
        "cluster", "dag_id", "version_number", "task_id", pl.col("outlet_assets").alias("uri")
    ).explode("uri").drop_nulls("uri")
    made = told.attempts.filter(pl.col("state") == "success").join(
        outlets, on=["cluster", "dag_id", "version_number", "task_id"]).select(
        "cluster", "uri", pl.col("dag_id").alias("upstream_dag_id"),
        pl.col("run_id").alias("upstream_run_id"), pl.col("ended_at").alias("external_ended_at"))
    waiting = told.company.dags.select(*DAG, pl.col("asset_uris").alias("uri")).explode("uri")
    started = told.ended.filter(pl.col("run_type").str.ends_with("_triggered")).join(
        waiting, on=DAG).select(*RUN, "queued_at", "uri")
    return started.join(made, on=["cluster", "uri"]).filter(
        pl.col("external_ended_at") <= pl.col("queued_at")).sort("external_ended_at").unique(
        [*RUN, "uri"], keep="last").select(
        *RUN, pl.lit("asset").alias("link_kind"), pl.lit(None, pl.String).alias("task_id"),
        "upstream_dag_id", "upstream_run_id", "external_ended_at")
