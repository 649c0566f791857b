"""Waits for limits, from what truly held them: an answer of the key.

    attempts of some days  ->  one row per try and limit that was full while it waited
"""

import numpy as np
import polars as pl

from ingest.world.company import Company
from ingest.world.rows import RUN_KEYS

_LIMIT = ["cluster", "limit_name", "within"]
TRY_KEYS = (*RUN_KEYS, "task_id", "map_index", "try_number")


def limit_waits(company: Company, attempts: pl.DataFrame) -> pl.DataFrame:
    """How long each try waited while a limit was full for it.

    A limit is full for a try while what holds it, and what the try needs, are more than its size.
    A first try waits from when its gate let it go, a later one from when it was scheduled.

    Returns:
        cluster, dag_id, run_id, task_id, map_index, try_number, limit_name, seconds (above 0).
    """
    held = _held(company, attempts)
    found = [_of_limit(rows) for rows in held.partition_by(_LIMIT, maintain_order=True)]
    if not found:
        return held.select(*TRY_KEYS, "limit_name", pl.lit(0.0).alias("seconds"))
    return pl.concat(found).filter(pl.col("seconds") > 0)


def _held(company: Company, attempts: pl.DataFrame) -> pl.DataFrame:
    """Tries that held a limit which a scenario fills: what they took, of how much, and when."""
    begun = attempts.filter(pl.col("queued_at").is_not_null()).with_columns(
        pl.when(pl.col("try_number") == 1).then("ready_at").otherwise("scheduled_at")
        .alias("from_at"))
    small = company.pools.filter(pl.col("pool") != "default_pool")
    pooled = begun.join(small, on=["cluster", "pool"], maintain_order="left").select(
        *TRY_KEYS, "from_at", "queued_at", "ended_at", pl.format("pool:{}", "pool")
        .alias("limit_name"), pl.lit("").alias("within"), pl.col("pool_slots").alias("need"),
        pl.col("slots").alias("size"))
    tight = company.dags.filter(pl.col("scenario") == "max_active_tasks").join(
        company.clusters, on="cluster", maintain_order="left").select(
        "cluster", "dag_id", "max_active_tasks", "release")
    # Before 3.0 it counts over all runs of the DAG, since then within each run.
    within = pl.when(pl.col("release").str.starts_with("2.")).then(pl.lit("")).otherwise("run_id")
    counted = begun.join(tight, on=["cluster", "dag_id"], maintain_order="left").select(
        *TRY_KEYS, "from_at", "queued_at", "ended_at",
        pl.format("max_active_tasks:{}", "dag_id").alias("limit_name"), within.alias("within"),
        pl.lit(1, dtype=pl.Int64).alias("need"), pl.col("max_active_tasks").alias("size"))
    return pl.concat([pooled, counted])


def _of_limit(rows: pl.DataFrame) -> pl.DataFrame:
    """Of one limit: the seconds in which it was full between the ends of each wait."""
    need, size = rows["need"].to_numpy(), int(rows["size"][0])
    begin, taken, given = (rows[c].dt.epoch("us").to_numpy()
                           for c in ("from_at", "queued_at", "ended_at"))
    at = np.concatenate([taken, given])
    change = np.concatenate([need, -need])
    order = np.argsort(at, kind="stable")
    at, used = at[order], np.cumsum(change[order])
    seconds = np.zeros(len(rows))
    for amount in np.unique(need):
        is_full = (used[:-1] + amount > size) * np.diff(at)
        total = np.concatenate([[0], np.cumsum(is_full)])
        mine = need == amount
        seconds[mine] = (np.interp(taken[mine], at, total)
                         - np.interp(begin[mine], at, total)) / 1e6
    return rows.select(*TRY_KEYS, "limit_name", pl.Series("seconds", seconds))
