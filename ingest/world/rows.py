"""A day's stories as frames: runs, attempts, causes, audit events.

    Happened (arrays)  ->  frames with Airflow's own names for things
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ingest.world.atlas import Ints, atlas
from ingest.world.caused import Happened, Wires, find_run
from ingest.world.company import Company
from ingest.world.drafts import stream
from ingest.world.due import ASSET, MANUAL, SCHEDULED, TRIGGERED
from ingest.world.frames import INSTANT
from ingest.world.plan import STATES, SUCCESS

_SUFFIX = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
_TRIGGERED_BY = {SCHEDULED: "timetable", MANUAL: "ui", TRIGGERED: "operator", ASSET: "asset"}
_HOSTS = 24
RUN_KEYS = ("cluster", "dag_id", "run_id")
ATTEMPT_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(RUN_KEYS, pl.String), "task_id": pl.String, "map_index": pl.Int64,
    "try_number": pl.Int64, "version_number": pl.Int64, "scheduled_at": INSTANT,
    "queued_at": INSTANT, "started_at": INSTANT, "ended_at": INSTANT, "state": pl.String,
    "is_last": pl.Boolean, "hostname": pl.String, "pid": pl.Int64, "pool": pl.String,
    "pool_slots": pl.Int64, "queue": pl.String, "priority_weight": pl.Int64,
    "operator": pl.String, "max_tries": pl.Int64, "error_kind": pl.String,
    "peak_memory_bytes": pl.Int64, "cpu_seconds": pl.Float64, "decided_at": INSTANT,
    "ready_at": INSTANT}


def instant(values: Ints) -> pl.Series:
    """Microseconds as instants; 0 is none."""
    found = pl.Series(np.asarray(values, dtype=np.int64)).cast(INSTANT)
    return found.zip_with(pl.Series(values != 0), pl.Series([None], dtype=INSTANT))


def names(values: Sequence[str], numbers: Ints) -> pl.Series:
    """Texts by number."""
    return pl.Series(values, dtype=pl.String).gather(pl.Series(numbers, dtype=pl.UInt32))


def run_rows(company: Company, happened: Sequence[Happened]) -> pl.DataFrame:
    """One row per run, story after story."""
    if not happened:
        return _with_ids(company, _no_runs())
    return _with_ids(company, pl.concat([_runs_of(company, one) for one in happened]))


def _no_runs() -> pl.DataFrame:
    return pl.DataFrame(schema={
        "dag": pl.UInt32, "kind": pl.Int64, "due_at": INSTANT, "step": pl.Int64,
        "queued_at": INSTANT, "started_at": INSTANT, "ended_at": INSTANT, "state": pl.String,
        "version_number": pl.Int64})


def _runs_of(company: Company, one: Happened) -> pl.DataFrame:
    story, due = one.story, one.due
    numbers = company.versions["version_number"].to_numpy()[story.plan.run_version]
    return pl.DataFrame({
        "dag": due.dag.astype(np.uint32), "kind": due.kind.astype(np.int64),
        "due_at": instant(due.at), "step": due.step.astype(np.int64),
        "queued_at": instant(story.run_queued), "started_at": instant(story.run_started),
        "ended_at": instant(story.run_ended), "state": names(STATES, story.run_state),
        "version_number": numbers})


def _with_ids(company: Company, runs: pl.DataFrame) -> pl.DataFrame:
    """Ids and dates as the cluster's release writes them."""
    release = dict(company.clusters.select("cluster", "release").iter_rows())
    place = runs["dag"]
    found = runs.with_columns(
        company.dags["cluster"].gather(place).alias("cluster"),
        company.dags["dag_id"].gather(place).alias("dag_id"),
    ).with_columns(pl.col("cluster").replace_strict(release, return_dtype=pl.String)
                   .str.starts_with("3.").alias("is_three"))
    kind, is_three = pl.col("kind"), pl.col("is_three")
    before = pl.col("due_at") - pl.duration(microseconds=pl.col("step"))
    logical = pl.when((kind == ASSET) & is_three).then(None).when(
        (kind == SCHEDULED) & ~is_three).then(before).otherwise(pl.col("due_at"))
    run_type = pl.when(kind == SCHEDULED).then(pl.lit("scheduled")).when(kind == ASSET).then(
        pl.when(is_three).then(pl.lit("asset_triggered")).otherwise(
            pl.lit("dataset_triggered"))).otherwise(pl.lit("manual"))
    found = found.with_columns(
        logical.alias("logical_at"), run_type.alias("run_type"),
        pl.when((kind != SCHEDULED) | is_three).then(logical).otherwise(before)
        .alias("interval_start_at"),
        pl.when((kind == ASSET) & is_three).then(None).otherwise(pl.col("due_at"))
        .alias("interval_end_at"),
        kind.replace_strict(_TRIGGERED_BY, return_dtype=pl.String).alias("triggered_by"),
        pl.lit(0, dtype=pl.Int64).alias("clear_number"))
    return found.with_columns(_run_ids(company, found)).rename({"due_at": "run_after_at"}).select(
        *RUN_KEYS, "run_type", "logical_at", "interval_start_at", "interval_end_at",
        "run_after_at", "queued_at", "started_at", "ended_at", "state", "version_number",
        "clear_number", "triggered_by")


def _run_ids(company: Company, runs: pl.DataFrame) -> pl.Series:
    """`scheduled__2026-01-02T03:00:00+00:00`, with fractions where they are not 0."""
    at = pl.coalesce("logical_at", "due_at")
    text = pl.when(at.dt.microsecond() == 0).then(at.dt.strftime("%Y-%m-%dT%H:%M:%S")).otherwise(
        at.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"))
    first = runs["due_at"].dt.epoch("us").min()
    rng = stream(company.seed, "run ids", int(first) // 1_000_000 if isinstance(first, int) else 0)
    letters = _SUFFIX[rng.integers(0, len(_SUFFIX), (runs.height, 8))]
    suffix = pl.Series("suffix", letters.view("<U8").ravel())
    has_suffix = (pl.col("kind") == ASSET) & pl.col("is_three")
    return runs.with_columns(suffix).select(
        (pl.col("run_type") + "__" + text + "+00:00"
         + pl.when(has_suffix).then("_" + pl.col("suffix")).otherwise(pl.lit("")))
        .alias("run_id"))["run_id"]


def attempt_rows(company: Company, happened: Sequence[Happened], runs: pl.DataFrame,
                 day: date) -> pl.DataFrame:
    """One row per try, story after story, and one for each instance that never ran."""
    found, first = [], 0
    rng = stream(company.seed, "workers", day.toordinal())
    for one in happened:
        found.append(_attempts_of(company, one, runs.slice(first, len(one.due.dag)), rng))
        first += len(one.due.dag)
    return pl.concat(found) if found else pl.DataFrame(schema=ATTEMPT_SCHEMA)


def _attempts_of(company: Company, one: Happened, runs: pl.DataFrame,
                 rng: np.random.Generator) -> pl.DataFrame:
    story = one.story
    p, world = story.plan, atlas(company)
    number = np.arange(p.gap.shape[1])[None, :]
    never = (story.tries == 0) & story.is_there
    who, nth = np.nonzero((number < story.tries[:, None]) | (never[:, None] & (number == 0)))
    task, run, ran = p.instance_task[who], p.instance_run[who], story.tries[who] > 0
    is_worker = ran & ~world.task_is_empty[task]
    state = np.where(ran, story.try_state[who, nth], story.state[who])
    ended = np.where(ran, story.ended[who, nth], 0)
    seconds = np.where(ended > 0, ended - story.started[who, nth], 0) / 1e6
    tasks = company.tasks.select(
        "task_id", "pool", "pool_slots", "queue", "priority_weight", "operator",
        pl.col("retries").alias("max_tries"))[task.astype(np.uint32)]
    hosts = [f"airflow-worker-{i:02d}" for i in range(_HOSTS)] + [""]
    host = np.where(is_worker, rng.integers(0, _HOSTS, len(who)), _HOSTS)
    pid = pl.Series(rng.integers(60, 32_000, len(who)))
    worker = pl.Series(is_worker)
    index = np.where(ran | (p.map_index[who] < 0), p.map_index[who], -1)
    return pl.concat([runs.select(*RUN_KEYS, "version_number")[run.astype(np.uint32)],
                      tasks], how="horizontal").with_columns(
        pl.Series("map_index", index), pl.Series("try_number", np.where(ran, nth + 1, 0)),
        instant(story.scheduled[who, nth]).alias("scheduled_at"),
        instant(story.queued[who, nth]).alias("queued_at"),
        instant(story.started[who, nth]).alias("started_at"), instant(ended).alias("ended_at"),
        names(STATES, state).alias("state"),
        pl.Series("is_last", ~ran | (nth + 1 == story.tries[who])),
        names(hosts, host).alias("hostname"), _only(pid, worker).alias("pid"),
        names(["", *world.error_kinds], story.try_error[who, nth] + 1).replace("", None)
        .alias("error_kind"),
        _only(pl.Series(p.memory[who, nth].astype(np.int64)), worker).alias("peak_memory_bytes"),
        _only(pl.Series(seconds * p.cpu[who, nth]), worker).alias("cpu_seconds"),
        instant(np.where(ran, 0, story.stamp[who])).alias("decided_at"),
        instant(story.ready[who]).alias("ready_at"),
    ).select(ATTEMPT_SCHEMA.keys()).cast(pl.Schema(ATTEMPT_SCHEMA))


def _only(values: pl.Series, which: pl.Series) -> pl.Series:
    return values.zip_with(which, pl.Series([None], dtype=values.dtype))


def cause_rows(links: Wires, happened: Sequence[Happened],
               runs: pl.DataFrame) -> pl.DataFrame:
    """Who made a run (trigger, asset), or let a sensor go on (sensor), and when."""
    keys = runs.select(RUN_KEYS).rows()
    first_runs = np.cumsum([0, *(len(one.due.dag) for one in happened)])
    rows: list[tuple[Any, ...]] = []
    first_instances = np.cumsum([0, *(len(one.story.state) for one in happened)])
    for number, one in enumerate(happened):
        for run in np.flatnonzero(one.due.cause >= 0):
            cause = int(one.due.cause[run])
            n = int(np.searchsorted(first_instances, cause, side="right")) - 1
            who = cause - int(first_instances[n])
            story = happened[n].story
            other = keys[first_runs[n] + int(story.plan.instance_run[who])]
            kind = "asset" if one.due.kind[run] == ASSET else "trigger"
            at = story.done[who] if kind == "asset" else one.due.at[run]
            rows.append((*keys[first_runs[number] + run], kind, None, *other[1:],
                         links.task_ids[story.plan.instance_task[who]], int(at)))
        rows += _sensor_rows(links, happened, number, (keys, first_runs))
    frame = pl.DataFrame(rows, orient="row", schema={
        **dict.fromkeys((*RUN_KEYS, "kind", "task_id", "upstream_dag_id", "upstream_run_id",
                         "upstream_task_id"), pl.String), "at": pl.Int64})
    return frame.with_columns(pl.col("at").cast(INSTANT))


def _sensor_rows(links: Wires, happened: Sequence[Happened], number: int,
                 runs: tuple[list[Any], Ints]) -> list[tuple[Any, ...]]:
    keys, first_runs = runs
    story, due = happened[number].story, happened[number].due
    p, rows = story.plan, []
    for who in np.flatnonzero(p.atlas.task_waits[p.instance_task] & (story.state == SUCCESS)):
        run, task = int(p.instance_run[who]), int(p.instance_task[who])
        dag, name = links.waits[task]
        place = find_run(list(happened[:number]), dag, int(due.at[run]))
        if place is not None:
            other = keys[first_runs[place[0]] + place[1]]
            rows.append((*keys[first_runs[number] + run], "sensor", links.task_ids[task],
                         *other[1:], name, int(p.awaited[who])))
    return rows
