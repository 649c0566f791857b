"""The key: what is true of the company, to compare Windsock's marts with.

    answers(company, days)  ->  name -> frame

It comes from the simulation alone: nothing here computes a thing that Windsock computes by
Windsock's code. It never enters a warehouse.
"""

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from ingest.world.company import Company
from ingest.world.errors import ERRORS
from ingest.world.paths import STEP_SCHEMA, steps_of, terms_of
from ingest.world.rows import RUN_KEYS
from ingest.world.simulate import Day
from ingest.world.waits import TRY_KEYS, limit_waits

_TASK = ["cluster", "dag_id", "version_number", "task_id"]


def answers(company: Company, days: Sequence[Day]) -> dict[str, pl.DataFrame]:
    """Every table of the key, for the days that are given.

    Returns:
        critical_path: the steps of each run that ended. run_terms: what its wall clock is made of.
        attempt_usage, errors, incidents, pool_waits, run_waits, anomalies, links: of the days.
        slowdowns, deployments, unscheduled, owners, and the other planted facts: of the company.
    """
    runs = pl.concat([day.runs for day in days])
    attempts = pl.concat([day.attempts for day in days])
    steps = pl.concat([_steps(company, day) for day in days])
    planted = {name: frame for name, frame in company.planted.items()
               if name not in ("incident_windows", "anomaly_days")}
    return planted | {
        "critical_path": steps, "run_terms": terms_of(steps, runs),
        "attempt_usage": attempt_usage(company, attempts), "errors": failed_tries(attempts),
        "incidents": incidents(company, attempts), "pool_waits": limit_waits(company, attempts),
        "run_waits": run_waits(runs), "anomalies": anomalies(company, runs),
        "links": pl.concat([day.causes for day in days]), "deployments": deployments(company),
        "owners": company.dags.select("cluster", "dag_id", "owner", "team", "tier", "project")}


def _steps(company: Company, day: Day) -> pl.DataFrame:
    found, first = [pl.DataFrame(schema=STEP_SCHEMA)], 0
    for one in day.happened:
        count = len(one.due.dag)
        found.append(steps_of(company, one, day.runs.slice(first, count)))
        first += count
    return pl.concat(found)


def attempt_usage(company: Company, attempts: pl.DataFrame) -> pl.DataFrame:
    """What each try that a worker ran has used, and what it had asked for."""
    asked = company.tasks.select(*_TASK, "requested_cpu_cores", "requested_memory_bytes")
    return attempts.filter(pl.col("peak_memory_bytes").is_not_null()).join(
        asked, on=_TASK, how="left", maintain_order="left").select(
        *TRY_KEYS, "operator", "queue", "started_at", "ended_at",
        ((pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6)
        .alias("duration_seconds"), "peak_memory_bytes", "cpu_seconds", "requested_cpu_cores",
        "requested_memory_bytes", "state", "is_last")


def failed_tries(attempts: pl.DataFrame) -> pl.DataFrame:
    """Why each failed try failed."""
    kinds = pl.DataFrame([(name, body.exception_class, body.category)
                          for name, body in ERRORS.items()], orient="row",
                         schema=["error_kind", "error_class", "category"])
    return attempts.filter(pl.col("error_kind").is_not_null()).join(
        kinds, on="error_kind", how="left", maintain_order="left").select(
        *TRY_KEYS, "ended_at", "error_kind", "error_class", "category")


def incidents(company: Company, attempts: pl.DataFrame) -> pl.DataFrame:
    """The tries that each incident failed: they needed what was down, and began while it was."""
    windows = company.planted["incident_windows"]
    resources = company.habits.select(*_TASK, "resource")
    steady = company.rhythms.filter("is_steady").select("cluster", "dag_id")
    began = attempts.filter(pl.col("started_at").is_not_null()).join(
        steady, on=["cluster", "dag_id"], how="anti")
    return windows.join(began.join(resources, on=_TASK), on=["cluster", "resource"],
                        maintain_order="left_right").filter(
        pl.col("started_at").is_between("from_at", "to_at", closed="left")).select(
        "incident_id", "cause", "from_at", "to_at", *TRY_KEYS, "started_at")


def run_waits(runs: pl.DataFrame) -> pl.DataFrame:
    """How long each run waited to be made and, once made, to start (its DAG's other runs)."""
    late = (pl.col("queued_at") - pl.col("run_after_at")).dt.total_microseconds() / 1e6
    queued = (pl.col("started_at") - pl.col("queued_at")).dt.total_microseconds() / 1e6
    return runs.select(*RUN_KEYS, late.alias("created_late_seconds"),
                       queued.alias("run_queued_seconds"))


def anomalies(company: Company, runs: pl.DataFrame) -> pl.DataFrame:
    """The runs in which a task took a multiple of its time."""
    return company.planted["anomaly_days"].join(
        runs.filter(pl.col("run_type") == "scheduled").with_columns(
            pl.col("run_after_at").dt.date().alias("date")),
        on=["cluster", "dag_id", "date"], maintain_order="left").select(
        *RUN_KEYS, "task_id", "factor")


def deployments(company: Company) -> pl.DataFrame:
    """New versions of DAGs within the history, and what was planted with them."""
    planted = [company.planted[name].select(
        "cluster", "dag_id", pl.col("from_at").alias("created_at"), pl.lit(effect).alias("effect"))
        for name, effect in (("slowdowns", "slower"), ("hungrier", "hungrier"))]
    return company.versions.filter(
        (pl.col("version_number") > 1) & pl.col("created_at").is_between(
            company.began_at, company.ends_at + timedelta(microseconds=1))).join(
        pl.concat(planted), on=["cluster", "dag_id", "created_at"], how="left",
        maintain_order="left")
