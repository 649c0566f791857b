"""What people do on a day, as the audit log has it.

    runs that were started by hand, DAGs that were paused  ->  events
"""

from datetime import date, timedelta
from typing import Any

import polars as pl

from ingest.world.company import Company
from ingest.world.frames import INSTANT

EVENT_SCHEMA: dict[str, Any] = {
    "cluster": pl.String, "at": INSTANT, "event": pl.String, "dag_id": pl.String,
    "run_id": pl.String, "task_id": pl.String, "map_index": pl.Int64, "owner": pl.String}


def event_rows(company: Company, runs: pl.DataFrame, day: date) -> pl.DataFrame:
    """Runs started by hand, and the pausing of DAGs, by whoever owns the DAG."""
    owners = company.dags.select("cluster", "dag_id", "owner")
    started = runs.filter(pl.col("triggered_by") == "ui").join(
        owners, on=["cluster", "dag_id"], maintain_order="left").select(
        "cluster", pl.col("queued_at").alias("at"), pl.lit("trigger").alias("event"), "dag_id",
        "run_id", pl.lit(None, dtype=pl.String).alias("task_id"),
        pl.lit(None, dtype=pl.Int64).alias("map_index"), "owner")
    paused = company.dags.filter("is_paused").join(
        company.rhythms.select("cluster", "dag_id", "runs_until_at"), on=["cluster", "dag_id"],
        maintain_order="left").filter(
        pl.col("runs_until_at").dt.date() == day).select(
        "cluster", (pl.col("runs_until_at") + timedelta(seconds=1)).alias("at"),
        pl.lit("paused").alias("event"), "dag_id", pl.lit(None, dtype=pl.String).alias("run_id"),
        pl.lit(None, dtype=pl.String).alias("task_id"),
        pl.lit(None, dtype=pl.Int64).alias("map_index"), "owner")
    return pl.concat([started, paused]).cast(pl.Schema(EVENT_SCHEMA)).sort("at", "dag_id")
