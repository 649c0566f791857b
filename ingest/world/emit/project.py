"""What of a day has happened by an instant, as Airflow's own tables would tell it.

    Day (whole lifecycles)  ->  numbered  ->  at(day, instant)  ->  runs, instances, history

The live table holds the latest try of an instance, the history table the earlier ones. What has
not happened yet is null; a run that was not made yet is absent with everything of its.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from ingest.world.simulate import Day

RUN = ["cluster", "dag_id", "run_id"]
TASK = [*RUN, "task_id"]
INSTANCE = [*TASK, "map_index"]
_NEVER_RAN = ("skipped", "upstream_failed", "removed")
_DATES = ("scheduled_at", "queued_at", "started_at", "ended_at")


@dataclass(frozen=True)
class Numbered:
    """A day of one cluster whose runs and earlier tries have their `number` in it, from 1."""

    runs: pl.DataFrame
    attempts: pl.DataFrame
    events: pl.DataFrame

    @property
    def earlier_count(self) -> int:
        """How many tries go to the history table in the end."""
        return self.attempts.filter(~pl.col("is_last")).height

    @property
    def is_over_at(self) -> datetime | None:
        """When the last of it ends; None: never."""
        if self.runs["ended_at"].null_count():
            return None
        ends = pl.concat([self.runs["ended_at"], self.attempts["ends_at"]]).drop_nulls()
        return ends.sort()[-1] if len(ends) else datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """Rows at an instant, one frame each; `number` is the place in the day."""

    runs: pl.DataFrame
    instances: pl.DataFrame
    history: pl.DataFrame


def numbered(day: Day, cluster: str) -> Numbered:
    """Number a cluster's runs in the order of their creation, earlier tries in that of their ends.

    The number does not depend on the instant at which a database is written, so that ids stay the
    same from tick to tick.
    """
    runs, attempts, events = (
        f.filter(pl.col("cluster") == cluster) for f in (day.runs, day.attempts, day.events))
    runs = runs.sort("queued_at", "dag_id", "run_id").with_row_index("number", offset=1)
    tries = _with_begin(attempts, runs).sort(*INSTANCE, "try_number")
    tries = tries.with_columns(
        is_first=pl.col("try_number") == pl.col("try_number").min().over(INSTANCE),
        next_begins_at=pl.col("begins_at").shift(-1).over(INSTANCE))
    earlier = pl.struct("ends_at", *INSTANCE, "try_number")
    tries = tries.with_columns(number=pl.when(~pl.col("is_last")).then(
        earlier.rank("ordinal").over("is_last")).cast(pl.Int64))
    return Numbered(runs.with_columns(pl.col("number").cast(pl.Int64)), tries, events)


def at(day: Numbered, instant: datetime) -> Seen:
    """What the tables hold at an instant.

    Args:
        day: from `numbered`.
        instant: UTC.

    Returns:
        `runs`: day's columns, dates after the instant null, `state` queued | running | final,
        `updated_at`. `instances` and `history`: columns of attempts, the same way; `history`
        holds tries that were retried or cleared by then.
    """
    runs = day.runs.filter(pl.col("queued_at") <= instant)
    tries = day.attempts.join(runs.select(RUN), on=RUN, how="semi")
    begun, replaced = _past("begins_at", instant), _past("next_begins_at", instant)
    live = tries.filter((begun & ~replaced) | (pl.col("is_first") & ~begun))
    return Seen(_runs(runs, instant), _placeholders(_instances(live, instant)),
                _history(tries, instant))


def _with_begin(attempts: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """Tries with when each begins to show (`begins_at`) and stops to change (`ends_at`)."""
    made = runs.select(*RUN, made_at="queued_at", run_ended_at="ended_at",
                       logical_at="logical_at")
    decided = pl.coalesce(*_DATES, "decided_at", "run_ended_at", "made_at")
    was_decided = pl.col("state").is_in(_NEVER_RAN)
    return attempts.join(made, on=RUN, how="inner").with_columns(
        begins_at=decided,
        ends_at=pl.coalesce("ended_at", pl.when(was_decided).then(decided)))


def _past(column: str, instant: datetime) -> pl.Expr:
    return (pl.col(column) <= instant).fill_null(value=False)


def _until(column: str, instant: datetime) -> pl.Expr:
    return pl.when(pl.col(column) <= instant).then(pl.col(column)).alias(column)


def _runs(runs: pl.DataFrame, instant: datetime) -> pl.DataFrame:
    state = (pl.when(_past("ended_at", instant)).then("state")
             .when(_past("started_at", instant)).then(pl.lit("running"))
             .otherwise(pl.lit("queued")))
    return runs.with_columns(
        _until("started_at", instant), _until("ended_at", instant), state=state,
    ).with_columns(updated_at=pl.max_horizontal("queued_at", "started_at", "ended_at"))


def _instances(live: pl.DataFrame, instant: datetime) -> pl.DataFrame:
    """The rows of the live table: the state that the latest try has reached."""
    has_begun = _past("begins_at", instant)
    is_retried = ((pl.col("state") == "failed") & ~pl.col("is_last")
                  & (pl.col("try_number") <= pl.col("max_tries")))
    state = (pl.when(~has_begun).then(None)
             .when(_past("ends_at", instant)).then(
                 pl.when(is_retried).then(pl.lit("up_for_retry")).otherwise("state"))
             .when(_past("started_at", instant)).then(pl.lit("running"))
             .when(_past("queued_at", instant)).then(pl.lit("queued"))
             .otherwise(pl.lit("scheduled")))
    never_ran = pl.all_horizontal(pl.col(d).is_null() for d in _DATES[:3])
    shown = live.with_columns(
        state=state,
        try_number=pl.when(has_begun & ~never_ran).then("try_number").otherwise(0),
        # what the scheduler decides begins and ends in that moment
        started_at=pl.when(never_ran).then("ends_at").otherwise("started_at"),
        ended_at="ends_at")
    shown = shown.with_columns(_until(d, instant) for d in _DATES)
    return _places(shown).with_columns(
        updated_at=pl.max_horizontal("made_at", *_DATES),
        # a failed try that is retried has handed its identity over to the next one
        identity=pl.col("try_number") + (pl.col("state") == "up_for_retry").fill_null(
            value=False).cast(pl.Int64))


def _history(tries: pl.DataFrame, instant: datetime) -> pl.DataFrame:
    """Earlier tries: a failed one moves at its end, a cleared one when it is scheduled again."""
    moved_at = pl.when(pl.col("state") == "failed").then("ends_at").otherwise("next_begins_at")
    moved = tries.filter(~pl.col("is_last") & (moved_at <= instant))
    return _places(moved).with_columns(updated_at=pl.col("ended_at"), identity="try_number")


def _places(rows: pl.DataFrame) -> pl.DataFrame:
    """Hosts and processes only of what has started."""
    is_started = pl.col("started_at").is_not_null()
    return rows.with_columns(
        hostname=pl.when(is_started).then(pl.col("hostname").fill_null("")).otherwise(pl.lit("")),
        pid=pl.when(is_started).then("pid"))


def _placeholders(rows: pl.DataFrame) -> pl.DataFrame:
    """A mapped task that is not expanded yet has one row, with map_index -1."""
    is_waiting = (pl.col("map_index") >= 0) & pl.col("state").is_null().all().over(TASK)
    is_kept = ~is_waiting | (pl.col("map_index") == pl.col("map_index").min().over(TASK))
    return rows.with_columns(is_waiting=is_waiting).filter(is_kept).with_columns(
        map_index=pl.when("is_waiting").then(-1).otherwise("map_index")).drop("is_waiting")
