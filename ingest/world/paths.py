"""The planted critical paths: who truly let whom go, as the simulation decided it.

    Happened  ->  steps of the finish and failure path of each run that ended, and the run's terms

The gates are those that the simulation itself acted on. The terms follow docs/critical_path.md:
lead + running + retry_wait + external_wait + handoff + tail = the run's wall clock.
"""

from typing import Any

import numpy as np
import polars as pl

from ingest.world.atlas import Ints
from ingest.world.caused import Happened
from ingest.world.company import Company
from ingest.world.plan import FAILED, SUCCESS
from ingest.world.rows import RUN_KEYS
from ingest.world.story import Story

STEP_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(RUN_KEYS, pl.String), "path_kind": pl.String, "step_number": pl.Int64,
    "task_id": pl.String, "map_index": pl.Int64, "try_number": pl.Int64,
    "gating_task_id": pl.String, "gating_map_index": pl.Int64,
    **dict.fromkeys(("handoff_seconds", "running_seconds", "retry_wait_seconds",
                     "external_wait_seconds"), pl.Float64)}


def steps_of(company: Company, one: Happened, runs: pl.DataFrame) -> pl.DataFrame:
    """Steps of the paths of some runs, the first task that ran first.

    Args:
        company: whose runs they are.
        one: what happened.
        runs: the rows of these runs, in the same order.
    """
    story = one.story
    last = _latest(story, story.is_there)
    failed = np.where(story.run_state == FAILED, _latest(story, story.state == FAILED), -1)
    has_ended = np.isin(story.run_state, (SUCCESS, FAILED))
    parts = [_steps(company, story, np.where(has_ended, ends, -1), kind)
             for kind, ends in (("finish", last), ("failure", failed))]
    steps = pl.concat(parts)
    return pl.concat([runs.select(RUN_KEYS)[steps["run"]], steps.drop("run")],
                     how="horizontal").cast(pl.Schema(STEP_SCHEMA))


def _latest(story: Story, which: np.ndarray[Any, np.dtype[np.bool_]]) -> Ints:
    """Of each run the instance that was done last; -1: there is none."""
    run = story.plan.instance_run
    those = np.flatnonzero(which)
    order = those[np.lexsort((story.done[those], run[those]))]
    found = np.full(len(story.run_state), -1, dtype=np.int64)
    found[run[order]] = order       # of equal places the last one stays
    return found


def _steps(company: Company, story: Story, ends: Ints, kind: str) -> pl.DataFrame:
    p = story.plan
    who = _walk(story, ends)
    run = p.instance_run[who]
    is_first = np.diff(run, prepend=-1) != 0
    before = np.where(is_first, -1, np.roll(who, 1))
    begin = np.where(is_first, story.run_started[run], story.done[before])
    running, waiting = _spent(story, who)
    tasks, sensor = company.tasks["task_id"], company.tasks["is_sensor"].to_numpy()
    task = p.instance_task[who]
    waits = sensor[task]
    number = np.arange(len(who)) - np.maximum.accumulate(
        np.where(is_first, np.arange(len(who)), 0)) + 1
    above = np.where(is_first, 0, p.instance_task[before])
    missing = pl.Series(is_first)
    return pl.DataFrame({
        "run": run.astype(np.uint32), "path_kind": np.full(len(who), kind).tolist(),
        "step_number": number, "task_id": tasks.gather(task), "map_index": p.map_index[who],
        "try_number": story.tries[who],
        "gating_task_id": _unless(missing, tasks.gather(above)),
        "gating_map_index": _unless(missing, pl.Series(p.map_index[before])),
        "handoff_seconds": (story.started[who, 0] - begin) / 1e6,
        "running_seconds": np.where(waits, 0, running) / 1e6,
        "retry_wait_seconds": waiting / 1e6,
        "external_wait_seconds": np.where(waits, running, 0) / 1e6,
    }, schema_overrides={"path_kind": pl.String})


def _unless(missing: pl.Series, values: pl.Series) -> pl.Series:
    return values.zip_with(~missing, pl.Series([None], dtype=values.dtype))


def _walk(story: Story, ends: Ints) -> Ints:
    """From gate to gate; what ran, in order of run and time."""
    found, here = [], ends[ends >= 0]
    depth, depths = 0, []
    while len(here):
        ran = here[story.tries[here] > 0]
        found.append(ran)
        depths.append(np.full(len(ran), depth))
        here = story.gate[here]
        here = here[here >= 0]
        depth += 1
    if not found:
        return np.zeros(0, dtype=np.int64)
    who = np.concatenate(found)
    return who[np.lexsort((-np.concatenate(depths), story.plan.instance_run[who]))]


def _spent(story: Story, who: Ints) -> tuple[Ints, Ints]:
    """Microseconds in tries, and between them."""
    tried = np.arange(story.started.shape[1])[None, :] < story.tries[who][:, None]
    running = np.where(tried, story.ended[who] - story.started[who], 0).sum(axis=1)
    return running, story.done[who] - story.started[who, 0] - running


def terms_of(steps: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """What a run's wall clock is made of: one row per run that ended, by its finish path."""
    spent = steps.filter(pl.col("path_kind") == "finish").group_by(RUN_KEYS).agg(
        pl.col("handoff_seconds").filter(pl.col("step_number") == 1).sum().alias("lead_seconds"),
        pl.col("handoff_seconds").filter(pl.col("step_number") > 1).sum(),
        pl.col("running_seconds", "retry_wait_seconds", "external_wait_seconds").sum())
    wall = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    parts = ("lead_seconds", "handoff_seconds", "running_seconds", "retry_wait_seconds",
             "external_wait_seconds")
    return runs.filter(pl.col("ended_at").is_not_null()).join(
        spent, on=RUN_KEYS, how="left", maintain_order="left").select(
        *RUN_KEYS, wall.alias("duration_seconds"), *parts,
        (wall - pl.sum_horizontal(parts)).alias("tail_seconds"))
