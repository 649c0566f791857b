"""What made a run take longer than usual: the term that grew most, and the task behind it. Pure.

    a run's terms + those of comparable runs + the steps of its path + medians  ->  Culprit

Whether it took longer is the anomaly rule of docs/statistics.md; why, is told by the terms of the
run, which add up to its duration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

# The anomaly rule (docs/statistics.md; int_durations__slowdowns has the same numbers).
FLAG_SCALES, FLAG_RATIO, FLAG_SECONDS = 3.5, 0.2, 30.0
MAD_TO_DEVIATION, FLOOR_RATIO, FLOOR_SECONDS = 1.4826, 0.05, 1.0

# A stretch of a run: what is shown as one part, and the terms of fct_dag_runs in it.
PARTS: Mapping[str, tuple[str, ...]] = {
    "running": ("running_seconds",),
    "waiting": ("lead_seconds", "handoff_seconds", "tail_seconds"),
    "external_wait": ("external_wait_seconds",),
    "retry_wait": ("retry_wait_seconds",),
    "deferred": ("deferred_seconds",),
}
# The column of a step that holds the seconds of a part.
_STEP = {"running": "running_seconds", "waiting": "handoff_seconds",
         "external_wait": "external_wait_seconds", "retry_wait": "retry_wait_seconds",
         "deferred": "deferred_seconds"}


@dataclass(frozen=True)
class Culprit:
    """The step in which a run lost most: how long it took, and how long usually, where known."""

    part: str
    task_id: str
    map_index: int
    seconds: float
    usual_seconds: float | None
    limited_by: str | None


def with_parts(runs: pl.DataFrame) -> pl.DataFrame:
    """The runs with the seconds of each part (`running`, `waiting`, …) and their sum `total`.

    The sum is the time from the run's start to its end, or so far (`path_ended_at`).
    """
    parts = runs.with_columns(**{
        name: pl.sum_horizontal(*terms) for name, terms in PARTS.items()})
    return parts.with_columns(total=pl.sum_horizontal(*PARTS))


def is_long(seconds: float | None, usual: Mapping[str, Any]) -> bool:
    """Whether a duration is an anomaly beside the usual one of the same thing.

    Args:
        seconds: the duration; None: not known, so never.
        usual: median_seconds and mad_seconds of its latest successes; empty: never measured.
    """
    median, mad = usual.get("median_seconds"), usual.get("mad_seconds")
    if seconds is None or median is None:
        return False
    scale = max(MAD_TO_DEVIATION * (mad or 0.0), FLOOR_RATIO * median, FLOOR_SECONDS)
    return bool(seconds - median >= max(FLAG_SCALES * scale, FLAG_RATIO * median, FLAG_SECONDS))


def culprit(run_id: str, runs: pl.DataFrame, steps: pl.DataFrame,
            medians: Mapping[str, float | None]) -> Culprit | None:
    """The step behind the part that grew most; None where no part did, or no step is known.

    Args:
        run_id: the run asked about; a row of `runs`.
        runs: `with_parts`, with run_kind, state, was_rerun; what it is compared with.
        steps: the steps of its finish path (fct_critical_path_steps).
        medians: usual seconds by task.
    """
    asked = runs.filter(pl.col("run_id") == run_id)
    if asked.is_empty() or steps.is_empty():
        return None
    others = runs.filter((pl.col("run_id") != run_id) & (pl.col("state") == "success")
                         & (pl.col("run_kind") != "backfill")
                         & ~pl.col("was_rerun").fill_null(value=False))
    [now] = asked.select(*PARTS).iter_rows(named=True)
    [usual] = others.select(pl.col(*PARTS).median()).iter_rows(named=True)
    grown = {part: now[part] - (usual[part] or 0.0) for part in PARTS}
    part = max(grown, key=lambda name: grown[name])
    return _step(part, steps, medians) if grown[part] > 0 else None


def _step(part: str, steps: pl.DataFrame, medians: Mapping[str, float | None]) -> Culprit | None:
    def over(step: Mapping[str, Any]) -> float:
        expected = medians.get(step["task_id"]) or 0.0 if part == "running" else 0.0
        return float(step[_STEP[part]] or 0.0) - expected

    step = max(steps.iter_rows(named=True), key=over)
    seconds = float(step[_STEP[part]] or 0.0)
    if seconds <= 0:
        return None
    return Culprit(part, step["task_id"], step["map_index"], seconds,
                   medians.get(step["task_id"]) if part == "running" else None,
                   step["limited_by"] if (step["limit_wait_seconds"] or 0) > 0 else None)
