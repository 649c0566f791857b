"""What is planted in a made-up company, and what its DAGs are, in the marts: both directions.

    tests/company_warehouse.py: company  ->  Airflow databases  ->  landing  ->  marts  =?=  key

The key is what the simulation knows. It never enters the warehouse, which a test here checks.
"""

import sqlite3
from contextlib import closing

import polars as pl
import pytest

from dashboards.panels.lateness import is_long
from tests.company_warehouse import DAG, NOW, RUN, Told, agree, has_been, told, utc

__all__ = ["told"]      # a fixture


# --- slowdowns, anomalies, the usual durations ---------------------------------------------------

def test_exactly_the_deployments_that_slow_a_task_are_found(told: Told) -> None:
    """Whatever else is flagged had fewer than three runs in one of the two windows: by chance."""
    planted = told.key("slowdowns").filter(pl.col("cause") == "deployment")
    effects = told.key("deployments").filter(pl.col("effect") == "slower")
    assert set(effects.select(*DAG).rows()) == set(planted.select(*DAG).rows())
    mart = told.mart("select *, main_task_id as task_id from agg_dag_slowdowns "
                     "where is_slower and least(recent_run_count, before_run_count) >= 3")
    key = planted.select(*DAG, "task_id", pl.lit("own").alias("slower_kind"),
                         pl.lit("running").alias("main_term"))
    agree(key, mart, on=DAG, least=2)


def test_both_windows_of_every_dag_have_the_true_medians(told: Told) -> None:
    """So that whatever is not planted is unflagged for the right reason."""
    week = pl.lit(NOW.replace(tzinfo=None)) - pl.duration(days=7)
    is_recent = pl.col("ended_at") > week
    seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    key = told.ended.filter(pl.col("state") == "success").with_columns(
        seconds.alias("seconds"), is_recent.alias("is_recent")).group_by(DAG).agg(
        pl.col("is_recent").sum().cast(pl.Int64).alias("recent_run_count"),
        (~pl.col("is_recent")).sum().cast(pl.Int64).alias("before_run_count"),
        pl.col("seconds").filter("is_recent").median().alias("recent_median_seconds"),
        pl.col("seconds").filter(~pl.col("is_recent")).median().alias("before_median_seconds"))
    both = key.filter((pl.col("recent_run_count") > 0) & (pl.col("before_run_count") > 0))
    agree(both, told.mart("select * from agg_dag_slowdowns"), on=DAG, least=40)


def test_exactly_the_planted_anomalies_stand_out_of_the_usual(told: Told) -> None:
    """By the rule that the pages apply, among all tries of the DAGs in which one is planted."""
    steady = told.dags.filter(pl.col("scenario") == "anomaly").select(DAG)
    tasks = told.mart("""
        select instances.*, usual.median_seconds, usual.mad_seconds
        from fct_task_instances as instances
        join agg_task_durations as usual using (cluster, dag_id, task_id)""")
    found = [row for row in tasks.join(steady, on=DAG, how="semi").iter_rows(named=True)
             if is_long(row["duration_seconds"], row)]
    key = told.key("anomalies").select(*RUN, "task_id")
    agree(key, pl.DataFrame(found), on=[*RUN, "task_id"], least=2)


def test_the_usual_duration_of_every_task_is_that_of_its_true_tries(told: Told) -> None:
    """A mapped task: its slowest index, where every index that was not skipped succeeded."""
    on = [*DAG, "task_id"]
    done = told.attempts.filter("is_last").filter(has_been("ended_at") | has_been("decided_at"))
    instances = done.join(told.runs.select(*RUN, pl.col("started_at").alias("run_at")), on=RUN)
    mapped = (pl.col("map_index") >= 0) & (pl.col("state") != "skipped")
    counted = instances.filter(mapped | ((pl.col("map_index") < 0) & (
        pl.col("state") == "success")))
    seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    samples = counted.group_by(*RUN, "task_id", "run_at").agg(
        seconds.max().alias("seconds"), pl.col("try_number").max().alias("tries"),
        (pl.col("state") == "success").all().alias("is_success")).filter("is_success")
    agree(usual(samples, on), told.mart("select * from agg_task_durations"), on=on, least=300)


def test_the_usual_duration_of_every_dag_is_that_of_its_true_runs(told: Told) -> None:
    seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    samples = told.ended.filter(pl.col("state") == "success").select(
        *RUN, pl.col("started_at").alias("run_at"), seconds.alias("seconds"),
        pl.lit(None, pl.Int64).alias("tries"))
    key = usual(samples, DAG).drop("try_mean_count")
    agree(key, told.mart("select * from agg_dag_durations"), on=DAG, least=50)


def usual(samples: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """What docs/statistics.md says of the latest 30 samples of each."""
    x = pl.col("seconds")
    return samples.sort("run_at", "run_id").group_by(on).tail(30).group_by(on).agg(
        pl.len().cast(pl.Int64).alias("sample_count"), x.min().alias("min_seconds"),
        x.mean().alias("mean_seconds"), x.median().alias("median_seconds"),
        x.quantile(0.95, "linear").alias("p95_seconds"), x.max().alias("max_seconds"),
        (x - x.median()).abs().median().alias("mad_seconds"),
        pl.col("tries").mean().alias("try_mean_count"))


# --- what DAGs are -------------------------------------------------------------------------------

def test_every_dag_has_its_owner_and_its_settings(told: Told) -> None:
    dags = told.dags.join(told.key("owners"), on=DAG, how="full", suffix="_key", coalesce=True)
    for name in ("owner", "team", "tier", "project"):
        assert dags[name].equals(dags[f"{name}_key"], null_equal=True), name
    is_gone = pl.col("is_gone")
    key = told.dags.select(
        *DAG, "owner", "team", "tier", "project", pl.col("tags").list.sort(), "description",
        "is_paused", pl.col("max_active_runs").alias("max_active_run_count"),
        pl.col("max_active_tasks").alias("max_active_task_count"),
        (~is_gone).alias("is_active"), pl.col("import_error").is_not_null().alias(
            "has_import_errors"))
    mart = told.mart("select * replace (list_sort(tags) as tags) from dim_dags")
    agree(key, mart, on=DAG, least=60)


def test_every_dag_that_is_parsed_has_its_schedule_and_bounds(told: Told) -> None:
    """Before 3.0 the body of a DAG whose file is gone is gone with it."""
    parsed = told.dags.filter(~pl.col("is_gone"))
    schedule = pl.when(pl.col("asset_uris").list.len() == 0).then("schedule")
    key = parsed.select(*DAG, schedule.alias("schedule"), "end_at")
    mart = told.mart("""
        select * replace (if(schedule_kind = 'asset', null, schedule) as schedule)
        from dim_dags where is_active""")
    agree(key, mart, on=DAG, least=60)


def test_every_task_of_a_parsed_dag_is_as_its_newest_version_says(told: Told) -> None:
    on = [*DAG, "task_id"]
    newest = told.company.tasks.filter(
        pl.col("version_number") == pl.col("version_number").max().over(DAG)).join(
        told.dags.filter(~pl.col("is_gone")), on=DAG, how="semi")
    key = newest.select(
        *on, "operator", "trigger_rule", "retries", "retry_delay_seconds", "pool",
        pl.col("pool_slots").alias("pool_slot_count"), "queue", "is_mapped", "is_sensor",
        "requested_cpu_cores", "requested_memory_bytes")
    mart = told.mart("""
        select tasks.* from dim_tasks as tasks
        semi join (from dim_dags where is_active) using (cluster, dag_id)
        where is_in_latest_structure""")
    agree(key, mart, on=on, least=400)


def test_every_numbered_version_is_there_from_when_it_was_made(told: Told) -> None:
    """Before 3.0 Airflow numbers none and keeps the newest alone."""
    on = [*DAG, "version_number"]
    key = utc(told.company.versions).filter(
        (pl.col("cluster") == "stories") & has_been("created_at")).select(
        *on, pl.col("created_at").alias("first_seen_at"))
    mart = told.mart("select * from dim_dag_versions where version_number is not null")
    agree(key, mart, on=on, least=20)


# --- what does not run ---------------------------------------------------------------------------

def test_every_file_that_does_not_parse_is_told_with_its_error(told: Told) -> None:
    broken = told.dags.filter(pl.col("import_error").is_not_null() & pl.col("is_gone"))
    assert set(broken.select(DAG).rows()) == of_reason(told, "import_error")
    key = broken.select(
        "cluster", pl.concat_list("dag_id").alias("dag_ids"), "owner", "team",
        pl.col("last_parsed_at").alias("first_seen_at"),
        pl.col("import_error").str.strip_chars().alias("stack_trace"),
        pl.lit(None, pl.Datetime("us")).alias("fixed_at"))
    mart = told.mart("select * replace (trim(stack_trace, e' \\n') as stack_trace) "
                     "from fct_import_errors")
    agree(key, mart, on=["cluster", "dag_ids"])


# How a DAG that does not run shows in today's marts; some who do run look the same.
PROOFS = {
    "paused": ("is_paused", 0),
    "import_error": ("has_import_errors", 0),
    "dag_file_gone": ("not is_active and not has_import_errors", 0),
    "start_date_in_future": (f"start_at > timestamp '{NOW:%Y-%m-%d %H:%M}'", 0),
    "dag_end_date_passed": (f"end_at < timestamp '{NOW:%Y-%m-%d %H:%M}'", 0),
    "stuck_run": ("max_active_run_count = 1 and last_run_state = 'running'", 0),
    "no_schedule": ("schedule_kind = 'none'", None),
    "waiting_for_assets": ("schedule_kind = 'asset' and run_count = 0", 0),
}


@pytest.mark.parametrize("reason", PROOFS)
def test_each_dag_that_does_not_run_shows_why(told: Told, reason: str) -> None:
    """Nobody else does, but for DAGs without a schedule that are triggered."""
    sql, others = PROOFS[reason]
    found = set(told.mart(f"select cluster, dag_id from dim_dags where {sql}").rows())
    planted = of_reason(told, reason)
    assert planted
    assert planted <= found
    if others is None:
        bare = told.dags.filter(pl.col("schedule").is_null() & (
            pl.col("asset_uris").list.len() == 0))
        planted |= set(bare.select(DAG).rows())
    assert found == planted


def of_reason(told: Told, reason: str) -> set[tuple[str, ...]]:
    return set(told.key("unscheduled").filter(pl.col("reason_code") == reason).select(DAG).rows())


def test_the_proofs_are_of_all_reasons_that_are_planted(told: Told) -> None:
    assert set(told.key("unscheduled")["reason_code"]) == set(PROOFS)


# --- the key stays outside -----------------------------------------------------------------------

def test_nothing_of_the_key_enters_the_warehouse(told: Told) -> None:
    """No table, no column that the databases of these releases do not have, no scenario's name."""
    theirs: set[str] = set()
    contents = b""
    for path in sorted(told.folder.glob("*/airflow.db")):
        contents += path.read_bytes()
        with closing(sqlite3.connect(path)) as con:
            theirs |= {name for (name,) in con.execute(
                "select columns.name from sqlite_schema as tables, "
                "pragma_table_info(tables.name) as columns where tables.type = 'table'")}
    made = told.company
    frames = (made.dags, made.tasks, made.habits, made.rhythms, told.days[0].attempts)
    secret = {c for f in (*told.every_answer.values(), *frames) for c in f.columns}
    secret -= theirs | {"cluster"}      # which Windsock adds to every row
    assert secret >= {"error_kind", "factor", "scenario", "base_seconds", "lead_seconds"}
    landed = told.mart("""
        select table_name, column_name from duckdb_columns()
        where schema_name = 'landing' and table_name like 'airflow_db__%'
            and table_name not like 'airflow_db__dag_structure%'""")
    assert landed.height > 300
    assert secret.isdisjoint(landed["column_name"])
    tables = told.mart("select table_name from duckdb_tables() where schema_name = 'landing'")
    names = {name.removeprefix("airflow_db__") for name in tables["table_name"]}
    assert names.isdisjoint(told.every_answer)
    scenarios = set(made.dags["scenario"].drop_nulls()) - theirs
    words = {s for s in scenarios if "_" in s} | {"INC-0001", "anomaly"}
    assert [word for word in sorted(words) if word.encode() in contents] == []
