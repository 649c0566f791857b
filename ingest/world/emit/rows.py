"""Rows of the tables of runs, and of those that only grow, as a release has them.

    Seen (project.py) + Definitions  ->  dag_run, task_instance, task_instance_history
    Numbered day                     ->  audit events, updates of assets     (ids come later)

Columns that are not given here are null, or what the release fills in.
"""

from datetime import timedelta

import polars as pl

from ingest.world.emit.definitions import Definitions
from ingest.world.emit.identity import uuids
from ingest.world.emit.project import INSTANCE, RUN, Numbered, Seen

TRIGGERED = ("asset_triggered", "dataset_triggered")
_KEY = INSTANCE[1:]
_TASK_EVENTS = ("success", "failed", "skipped")
_BEFORE_START = timedelta(milliseconds=40)      # 2.x writes `running` just before the start


def dag_runs(seen: Seen, definitions: Definitions, base: int) -> pl.DataFrame:
    """Rows of `dag_run`; `base`: how many runs earlier days have."""
    rows = seen.runs.join(definitions.keys, on=["dag_id", "version_number"], how="left")
    columns: dict[str, pl.Expr | str] = {
        "id": pl.col("number") + base, "dag_id": "dag_id", "run_id": "run_id", "state": "state",
        "queued_at": "queued_at", "start_date": "started_at", "end_date": "ended_at",
        "data_interval_start": "interval_start_at", "data_interval_end": "interval_end_at",
        "last_scheduling_decision": "updated_at", "updated_at": "updated_at",
        "clear_number": "clear_number", "log_template_id": pl.lit(1),
        "creating_job_id": pl.when(pl.col("run_type") == "scheduled").then(1),
        "run_type": _run_type(is_3=definitions.is_3)}
    if definitions.is_3:
        columns |= {
            "logical_date": "logical_at", "run_after": pl.coalesce("run_after_at", "queued_at"),
            "triggered_by": pl.col("triggered_by").str.to_uppercase(), "conf": pl.lit("{}"),
            "bundle_version": "revision",
            "created_dag_version_id": "version_id", "span_status": pl.lit("not_started"),
            "scheduled_by_job_id": pl.when(pl.col("started_at").is_not_null()).then(1)}
    else:
        columns |= {
            "execution_date": pl.coalesce("logical_at", "run_after_at", "queued_at"),
            "external_trigger": pl.col("run_type").is_in(["manual", "operator_triggered"]),
            "dag_hash": "dag_hash"}
    return _select(rows, columns)


def task_instances(seen: Seen, definitions: Definitions) -> pl.DataFrame:
    """Rows of `task_instance`."""
    rows, columns = _tries(seen.instances, definitions)
    if definitions.is_3:
        columns |= {"id": "uuid", "last_heartbeat_at": "updated_at"}
    return _select(rows, columns)


def task_instance_history(seen: Seen, definitions: Definitions, base: int) -> pl.DataFrame:
    """Rows of `task_instance_history`; `base`: how many earlier days have."""
    rows, columns = _tries(seen.history, definitions)
    if definitions.is_3:
        columns |= {"task_instance_id": "uuid"}
    else:
        columns |= {"id": pl.col("number") + base}
    return _select(rows, columns)


def audit(day: Numbered, definitions: Definitions) -> pl.DataFrame:
    """All audit events of a day's runs in their order: `log` without ids.

    People's doings are there in every release. That a task started and ended is written by 2.x
    alone, for each try that a worker ran.
    """
    logical = pl.coalesce("logical_at", "run_after_at", "queued_at")
    runs = day.runs.select(*RUN, logical_date=logical)
    said = day.events.join(runs, on=RUN, how="left").select(
        "dag_id", "run_id", "task_id", "event", "owner", "logical_date", dttm="at",
        map_index=pl.col("map_index").cast(pl.Int64), try_number=pl.lit(None, pl.Int64))
    parts = [said]
    if not definitions.is_3:
        ran = day.attempts.filter(pl.col("started_at").is_not_null(),
                                  pl.col("queued_at").is_not_null())
        ran = ran.join(runs, on=RUN, how="left").join(_owners(definitions), on="dag_id")
        place = [*_KEY, "owner", "logical_date", "try_number"]
        ended = ran.filter(pl.col("ended_at").is_not_null(),
                           pl.col("state").is_in(_TASK_EVENTS))
        parts += [
            ran.select(*place, dttm=pl.col("started_at") - _BEFORE_START, event=pl.lit("running")),
            ended.select(*place, dttm="ended_at", event="state")]
    rows = pl.concat(parts, how="diagonal_relaxed")
    named = rows.rename({} if definitions.is_3 else {"logical_date": "execution_date"})
    return named.sort("dttm", "dag_id", "run_id", "task_id", "map_index", "event",
                      nulls_last=True)


def asset_updates(day: Numbered, definitions: Definitions) -> pl.DataFrame:
    """All updates of assets by a day's tasks in their order: `asset_event` without ids."""
    noun = "asset_id" if definitions.is_3 else "dataset_id"
    schema = {"dag_id": pl.String, "task_id": pl.String, noun: pl.Int64}
    outlets = pl.DataFrame(
        [(d, t, definitions.assets[u]) for d, t, u in definitions.outlets], schema, orient="row")
    made = day.attempts.filter(pl.col("state") == "success", pl.col("ended_at").is_not_null())
    return made.join(outlets, on=["dag_id", "task_id"]).select(
        noun, timestamp="ended_at", extra=pl.lit("{}"), source_dag_id="dag_id",
        source_run_id="run_id", source_task_id="task_id", source_map_index="map_index",
    ).sort("timestamp", noun, "source_dag_id", "source_run_id", "source_map_index")


def started_by(runs: pl.DataFrame, events: pl.DataFrame, definitions: Definitions,
               base: int) -> pl.DataFrame:
    """Which update of each of its assets an asset-triggered run took: the newest before it.

    Args:
        runs: columns of `Numbered.runs`, made in the window that is written.
        events: id, asset_id (dataset_id), timestamp of the updates up to the end of it.
        definitions: of the cluster.
        base: how many runs earlier days have.

    Returns:
        Rows of `dagrun_asset_event` (`dagrun_dataset_event`): dag_run_id, event_id.
    """
    noun = "asset_id" if definitions.is_3 else "dataset_id"
    wanted = pl.DataFrame(
        [(d["dag_id"], definitions.assets[u])
         for d in definitions.dags for u in d["asset_uris"] or ()],
        {"dag_id": pl.String, noun: pl.Int64}, orient="row")
    asked = runs.filter(pl.col("run_type").is_in(TRIGGERED)).select(
        "dag_id", "queued_at", dag_run_id=pl.col("number") + base).join(wanted, on="dag_id")
    found = asked.sort("queued_at").join_asof(
        events.select(noun, "timestamp", event_id="id").sort("timestamp"),
        left_on="queued_at", right_on="timestamp", by=noun, check_sortedness=False)
    return found.drop_nulls("event_id").select("dag_run_id", "event_id").unique(
        maintain_order=True)


def _tries(tries: pl.DataFrame, definitions: Definitions,
           ) -> tuple[pl.DataFrame, dict[str, pl.Expr | str]]:
    """Tries with what their table needs, and the columns that both tables have."""
    is_timed = pl.col("started_at").is_not_null() & pl.col("ended_at").is_not_null()
    tries = tries.with_columns(seconds=_seconds(tries))
    columns: dict[str, pl.Expr | str] = {
        **{name: name for name in (
            *_KEY, "state", "try_number", "max_tries", "hostname", "pid", "pool", "pool_slots",
            "queue", "priority_weight", "operator", "updated_at")},
        "start_date": "started_at", "end_date": "ended_at", "queued_dttm": "queued_at",
        "duration": pl.when(is_timed).then("seconds"), "unixname": pl.lit("airflow"),
        "queued_by_job_id": pl.when(pl.col("queued_at").is_not_null()).then(1),
        "task_display_name": "task_id"}
    if not definitions.is_3:
        return tries, columns
    rows = tries.join(definitions.keys, on=["dag_id", "version_number"], how="left")
    rows = rows.with_columns(uuid=uuids(rows, [*INSTANCE, "identity"], "made_at"))
    return rows, columns | {
        "scheduled_dttm": "scheduled_at", "dag_version_id": "version_id",
        "custom_operator_name": "operator", "span_status": pl.lit("not_started")}


def _seconds(tries: pl.DataFrame) -> pl.Series:
    """How long each took; by NumPy, for the last digit of Polars' depends on the row's place."""
    micros = tries.select((pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds()
                          .fill_null(0)).to_series()
    return pl.Series(micros.to_numpy() / 1e6)


def _run_type(*, is_3: bool) -> pl.Expr:
    """Before 3.2 a run that another DAG triggers is a manual one."""
    asset = "asset_triggered" if is_3 else "dataset_triggered"
    kind = pl.col("run_type")
    return (pl.when(kind.is_in(TRIGGERED)).then(pl.lit(asset))
            .when(kind == "operator_triggered").then(pl.lit("manual")).otherwise(kind))


def _owners(definitions: Definitions) -> pl.DataFrame:
    return pl.DataFrame([(d["dag_id"], d["owner"]) for d in definitions.dags],
                        {"dag_id": pl.String, "owner": pl.String}, orient="row")


def _select(rows: pl.DataFrame, columns: dict[str, pl.Expr | str]) -> pl.DataFrame:
    return rows.select(**{n: pl.col(e) if isinstance(e, str) else e for n, e in columns.items()})
