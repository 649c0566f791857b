"""Old days of a company as batches of the archive, in the landing's own format.

    days of one cluster  ->  readings of kind `history`  ->  the door  ->  archive + build file
                         ->  what the database still has of them: a `Step`

It is as if Windsock had landed these days long ago and `airflow db clean` had emptied them since:
the database keeps what was unfinished, and the newest scheduled run of each DAG. A later landing
finds a source that it never read before, and nothing that it would have to read again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pyarrow as pa

from ingest.archive import Manifest
from ingest.contracts import ARROW_TYPES
from ingest.door import Door, Reading, land
from ingest.sources.airflow_db.recognise import recognise
from ingest.sources.airflow_db.tables import TABLES
from ingest.world.emit import schema
from ingest.world.emit.project import RUN
from ingest.world.emit.stream import Step, Stream
from ingest.world.simulate import Day

INSTANCES_A_LOAD = 400_000
_PLACE = RUN[1:]


@dataclass
class Archived:
    """What became of the days.

    Attributes:
        loads: the manifests.
        left: rows that the database still has.
    """

    loads: list[Manifest] = field(default_factory=list)
    left: Step = field(default_factory=Step)


def archive_days(door: Door, stream: Stream, days: Iterable[tuple[date, Day]], *,
                 cutoff: datetime, instant: datetime, facts: dict[str, Any],
                 instances_a_load: int = INSTANCES_A_LOAD) -> Archived:
    """Land the first days of a cluster, without a database.

    Args:
        door: of the cluster; nothing of it was landed before.
        stream: of the cluster; nothing was told before. It goes on with the next day.
        days: from the first day of its history on, in order.
        cutoff: when these days were "landed", after the last of them: what is unfinished then
            stays in the database.
        instant: as of when the database will be written.
        facts: what the configuration says of the cluster.
        instances_a_load: so many rows, and a load is full.
    """
    done = Archived()
    parts: list[Step] = []
    for on, day in days:
        step = stream.fill(on, day, cutoff)
        done.left = _left(done.left, step)
        parts.append(step)
        if sum(p.runs["task_instance"].height for p in parts) >= instances_a_load:
            done.loads.append(_land(door, stream, parts, cutoff, facts))
            parts = []
    if parts:
        done.loads.append(_land(door, stream, parts, cutoff, facts))
    done.left = _later(done.left, stream, cutoff, instant)
    return done


def _land(door: Door, stream: Stream, parts: list[Step], cutoff: datetime,
          facts: dict[str, Any]) -> Manifest:
    whole = _finished(_joined(parts))
    release = stream.definitions.cluster["release"]
    known = recognise(schema.columns(release), [schema.HEADS[schema.family_of(release)]])
    reading = Reading(
        "history", cutoff.astimezone(UTC).replace(tzinfo=None),
        {name: _contracted(name, frame) for name, frame in _with_places(whole).items()},
        state={"append": _marks(stream, cutoff)},
        facts={**facts, "airflow_version": known.version, "alembic_head": known.head,
               "dialect": "archive", "warnings": list(known.warnings),
               "replication_lag_seconds": None})
    reading.whole_runs = reading.rows["dag_run"].select(_PLACE)
    return land(door, reading)


def _marks(stream: Stream, cutoff: datetime) -> dict[str, Any]:
    """The cursors of tables that only grow: what has a larger id is new."""
    clock = cutoff.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    newest = {"log": stream.newest_id("log"), f"{stream.noun}_event": stream.newest_id("event")}
    return {name: {"old": [clock, last], "new": [clock, last], "from": None}
            for name, last in newest.items()}


def _joined(parts: list[Step]) -> Step:
    """The rows of several days."""
    def together(frames: list[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
        names = {name for f in frames for name in f}
        return {n: pl.concat([f[n] for f in frames if n in f], how="diagonal_relaxed")
                for n in sorted(names)}

    return Step(together([p.runs for p in parts]), together([p.appended for p in parts]))


def _finished(step: Step) -> Step:
    """Without runs that have an end still to come: these are in the database."""
    return _only(step, _open_runs(step), is_inside=False)


def _open_runs(step: Step) -> pl.DataFrame:
    instances = step.runs["task_instance"]
    is_open = pl.col("state").is_null() | pl.col("end_date").is_null()
    return pl.concat([step.runs["dag_run"].filter(pl.col("end_date").is_null()).select(_PLACE),
                      instances.filter(is_open).select(_PLACE)]).unique()


def _left(before: Step, step: Step) -> Step:
    """What the database keeps: unfinished runs and the newest scheduled run of each DAG."""
    merged = _joined([before, step]) if before.runs else step
    scheduled = merged.runs["dag_run"].filter(pl.col("run_type") != "manual")
    newest = scheduled.sort("start_date", "run_id", nulls_last=False).group_by("dag_id").last()
    keys = pl.concat([_open_runs(merged), newest.select(_PLACE)]).unique()
    return _only(merged, keys, is_inside=True)


def _later(left: Step, stream: Stream, cutoff: datetime, instant: datetime) -> Step:
    """The same runs at a later instant; unfinished ones change, and runs come to these days."""
    later = stream.open_rows(instant)
    if not later or not left.runs:
        return left
    # What an old day triggers may begin after midnight, and after the cutoff.
    come = later["dag_run"].filter(pl.col("queued_at") > cutoff).select(_PLACE)
    opened = pl.concat([_open_runs(left), come]).unique()
    runs = {name: pl.concat([frame.join(opened, on=_PLACE, how="anti"),
                             later[name].join(opened, on=_PLACE, how="semi")])
            for name, frame in left.runs.items()}
    return Step(runs, left.appended)


def _only(step: Step, keys: pl.DataFrame, *, is_inside: bool) -> Step:
    """The runs of these keys with everything of theirs, or the others."""
    how: Any = "semi" if is_inside else "anti"
    runs = {n: f.join(keys, on=_PLACE, how=how) for n, f in step.runs.items()}
    appended = dict(step.appended)
    for name in [n for n in appended if n.startswith("dagrun_")]:
        appended[name] = appended[name].join(
            runs["dag_run"].select(dag_run_id="id"), on="dag_run_id", how="semi")
        noun = name.removeprefix("dagrun_")
        if is_inside:       # the updates that started them, and no others
            appended[noun] = appended[noun].join(
                appended[name].select(id="event_id"), on="id", how="semi")
    if is_inside:
        appended.pop("log", None)
    return Step(runs, appended)


def _with_places(step: Step) -> dict[str, pl.DataFrame]:
    """Rows by table, with the run where the table itself has only its number."""
    places = step.runs["dag_run"].select("dag_id", "run_id", dag_run_id="id")
    return {**step.runs, **{
        name: frame.join(places, on="dag_run_id") if name.startswith("dagrun_") else frame
        for name, frame in step.appended.items()}}


def _contracted(name: str, frame: pl.DataFrame) -> pa.Table:
    """The rows in the contract's columns and types, as the extraction gives them."""
    table = TABLES[name]
    rows = frame.with_columns(pl.col(pl.Datetime).dt.convert_time_zone("UTC").dt.replace_time_zone(
        None)).to_arrow()
    columns = {}
    for column, kind in table.columns.items():
        columns[column] = (rows[column].cast(ARROW_TYPES[kind])
                           if column in rows.column_names else
                           pa.nulls(rows.num_rows, ARROW_TYPES[kind]))
    return pa.table(columns)
