"""The history of one task: by run for the picture, by instance for its waits and tables.

    instances + steps of observed paths  ->  frames for charts, tables for people
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from dashboards import airflow_links, frame, html_tables, links
from dashboards import format as fmt
from dashboards.html_tables import Column, Order
from dashboards.markup import Markup, write
from dashboards.panels import dag_grid, words

Row = Mapping[str, Any]
RUN_LIMIT, INSTANCE_LIMIT, DRAWN_WAITS = 400, 300, 60
NEWEST = Order("began_at", is_descending=True)
_GOING_ON = ("running", "deferred", "restarting")
_NAMED_WAITS = ("past_run_wait_seconds", "limit_wait_seconds", "scheduler_wait_seconds",
                "startup_wait_seconds")
_ALL_WAITS = (*_NAMED_WAITS, "other_wait_seconds", "external_wait_seconds", "retry_wait_seconds",
              "deferred_seconds")


def by_run(history: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """A row a run, oldest first: the slowest and the fastest index, and the worst state.

    Args:
        history: task__history: a row per run and state.
        as_of: until when what still runs has run.

    Returns:
        run_id, state, version_key, is_new_version (another version than the run before it),
        began_at, shortest_seconds, longest_seconds, instance_count, worst_count (those in the
        state), try_count.
    """
    so_far = (pl.lit(as_of) - pl.col("started_at")).dt.total_microseconds() / 1e6
    timed = dag_grid.ranked(history).with_columns(
        longest_seconds=pl.when(pl.col("state").is_in(_GOING_ON)).then(
            pl.max_horizontal("longest_seconds", so_far)).otherwise("longest_seconds"))
    runs = timed.sort("rank").group_by("run_id").agg(
        pl.col("state", "run_kind").first(), pl.col("version_key").max(),
        pl.col("shortest_seconds").min(), pl.col("longest_seconds").max(),
        pl.col("instance_count").sum(), pl.col("try_count").max(),
        worst_count=pl.col("instance_count").first(),
        began_at=pl.coalesce(pl.col("run_started_at").min(), pl.col("started_at").min()))
    ordered = runs.filter(pl.col("began_at").is_not_null()).sort("began_at", "run_id")
    before = pl.col("version_key").fill_null(strategy="forward").shift(1)
    return ordered.with_columns(
        is_new_version=(pl.col("version_key") != before).fill_null(value=False))


def waits(instances: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Each instance with the parts of its waiting; newest first.

    On the path of its run the parts are the step's (they add up to its handoff and its other
    waits); off the path only the time in the queue is known, as `startup_wait_seconds`.
    """
    keys = ["run_id", "map_index"]
    queued = ((pl.col("started_at") - pl.col("queued_at")).dt.total_microseconds() / 1e6).clip(
        lower_bound=0.0)
    found = instances.with_columns(
        began_at=pl.coalesce("run_started_at", "started_at"), queue_seconds=queued,
    ).join(steps.drop("pool", "started_at"), on=keys, how="left")
    on_path = pl.col("handoff_seconds").is_not_null()
    named = pl.sum_horizontal(*_NAMED_WAITS)
    found = found.with_columns(
        is_step=on_path,
        other_wait_seconds=pl.when(on_path).then(
            (pl.col("handoff_seconds") - named).clip(lower_bound=0.0)),
        startup_wait_seconds=pl.when(on_path).then("startup_wait_seconds").otherwise(
            "queue_seconds"))
    return found.with_columns(waited_seconds=pl.sum_horizontal(*_ALL_WAITS))


def instances_table(page: frame.Page, dag: Row, rows: pl.DataFrame, query: Mapping[str, str],
                    sort: str) -> Markup:
    """The instances, each linked to its run, in the order of the URL."""
    longest = max(rows["duration_seconds"].drop_nulls().to_list(), default=0.0) or 1.0
    columns = [
        Column("Run", lambda row: run_link(dag, row), sort="run_id"),
        *_index(rows),
        Column("State", lambda row: _state(row), sort="state"),
        Column("Started", lambda row: page.moment(row["started_at"], "not started"),
               sort="began_at"),
        Column("Duration", lambda row: _duration(page, dag, row, longest), "right",
               "duration_seconds", "Of its last try", "7rem"),
        Column("Waited", lambda row: words.lasting(row["waited_seconds"])
               if row["is_step"] or row["queue_seconds"] is not None else "", "right",
               "waited_seconds", "On the path: every wait of its step; off it: in the queue"),
        Column("Tries", lambda row: fmt.count(row["try_count"] or 0), "right", "try_count"),
        Column("Version", lambda row: row["version_key"] and write(
            '<span class="ws-id" title="{key}">{name}</span>', key=row["version_key"],
            name=fmt.shorten(row["version_key"], 12)), sort="version_key"),
        Column("Host", lambda row: row["host_name"] and words.name(
            fmt.shorten(row["host_name"], 24)), sort="host_name"),
        *_outside(page, dag)]
    order = html_tables.order_of(sort, columns, NEWEST)
    return html_tables.table(html_tables.in_order(rows, order).iter_rows(named=True), columns,
                             label="Instances", order=order, query=query)


def waits_table(page: frame.Page, dag: Row, rows: pl.DataFrame, query: Mapping[str, str],
                sort: str) -> Markup:
    """What each instance waited for, in the order of the URL."""
    def part(heading: str, name: str, hint: str) -> Column:
        return Column(heading, lambda row: words.lasting(row[name]) if row[name] else "", "right",
                      name, hint)

    columns = [
        Column("Run", lambda row: run_link(dag, row), sort="run_id"),
        *_index(rows),
        Column("Started", lambda row: page.moment(row["started_at"], "not started"),
               sort="began_at"),
        Column("Waited", lambda row: words.lasting(row["waited_seconds"]), "right",
               "waited_seconds", "The parts added up"),
        part("Earlier run", "past_run_wait_seconds", "depends_on_past: the run before"),
        Column("Limit", lambda row: write(
            "{time} {limit}", time=words.lasting(row["limit_wait_seconds"]),
            limit=words.limit(row["limited_by"])) if row["limit_wait_seconds"] else "", "right",
            "limit_wait_seconds", "A pool or another limit was full"),
        part("Scheduler", "scheduler_wait_seconds", "Ready, no limit full, not queued yet"),
        part("Worker", "startup_wait_seconds", "From queued to started"),
        part("Not recorded", "other_wait_seconds", "Between two tasks, cause not recorded"),
        part("World", "external_wait_seconds", "A sensor waited"),
        part("Retry", "retry_wait_seconds", "Between a failed try and the next"),
        part("Deferred", "deferred_seconds", "In the triggerer"),
        Column("Known from", lambda row: "path" if row["is_step"] else "queue alone",
               sort="is_step", hint="On the critical path of its run every wait is split"),
    ]
    order = html_tables.order_of(sort, columns, NEWEST)
    return html_tables.table(html_tables.in_order(rows, order).iter_rows(named=True), columns,
                             label="Waits", order=order, query=query)


def attempts_table(page: frame.Page, dag: Row, rows: pl.DataFrame) -> Markup:
    """Every try, newest first."""
    return html_tables.table(rows.iter_rows(named=True), [
        Column("Run", lambda row: run_link(dag, row, row["try_number"])),
        *_index(rows),
        Column("Try", lambda row: fmt.count(row["try_number"]), "right"),
        Column("Ended as", lambda row: write("{state}{lost}", state=words.state(row["state"]),
               lost=" (process lost)" if row["was_lost"] else "")),
        Column("Outcome", lambda row: row["outcome"]),
        Column("Started", lambda row: page.moment(row["started_at"], "not recorded")),
        Column("Duration", lambda row: words.lasting(row["duration_seconds"]), "right"),
        Column("Host", lambda row: row["host_name"] and words.name(
            fmt.shorten(row["host_name"], 24)))], label="Tries")


def run_link(dag: Row, row: Row, try_number: int | None = None) -> Markup:
    """The Run page with this instance chosen."""
    return links.link(
        "run", fmt.shorten(row["run_id"], 44), is_id=True, hint=row["run_id"],
        cluster=dag["cluster"], dag_id=dag["dag_id"], run_id=row["run_id"],
        task_id=dag["task_id"], try_number=try_number,
        map_index=row["map_index"] if row["map_index"] >= 0 else None)


def _index(rows: pl.DataFrame) -> list[Column]:
    """The column of indices, where there are any."""
    if not bool((rows["map_index"] >= 0).any()):
        return []
    return [Column("Index", lambda row: fmt.count(row["map_index"]) if row["map_index"] >= 0
                   else "", "right", "map_index")]


def _state(row: Row) -> Markup:
    notes = [text for text, holds in (
        ("critical", row["is_on_critical_path"]), ("re-run", row["was_rerun"]),
        ("marked", row["was_marked_success"]), ("process lost", row["was_lost"]),
        ("gone from Airflow", row["deleted_at"])) if holds]
    chips = "".join(write(' <span class="ws-chip">{text}</span>', text=text) for text in notes)
    return write("{state}{chips}", state=words.state(row["state"]), chips=Markup(chips))


def _duration(page: frame.Page, dag: Row, row: Row, longest: float) -> Markup:
    seconds = row["duration_seconds"]
    if seconds is None and row["state"] in _GOING_ON and row["started_at"] is not None:
        as_of = page.as_of(dag["cluster"]) or page.now
        return write("{time} so far", time=words.lasting(fmt.seconds(row["started_at"], as_of)))
    return write("{time}{bar}", time=words.lasting(seconds),
                 bar=words.share_bar(None if seconds is None else seconds / longest))


def _outside(page: frame.Page, dag: Row) -> list[Column]:
    """Airflow's own page of each instance; before 2.3 it is addressed by a date not known here."""
    home = page.cluster(dag["cluster"])
    if not home.get("base_url") or airflow_links.release(home["airflow_version"]) < (2, 3):
        return []
    return [Column("", lambda row: links.outside(airflow_links.task(
        home["base_url"], home["airflow_version"],
        (dag["dag_id"], row["run_id"], dag["task_id"], row["map_index"])), "Airflow"))]
